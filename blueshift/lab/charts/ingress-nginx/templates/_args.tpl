{{- /* The controller's command line */ -}}
{{- define "ingress-nginx.args" -}}
{{- $values := .Values.controller -}}
{{- $fullname := include "ingress-nginx.fullname" . -}}
- /nginx-ingress-controller
{{- if .Values.defaultBackend.enabled }}
- --default-backend-service=$(POD_NAMESPACE)/{{ include "ingress-nginx.backend" . }}
{{- end }}
{{- if $values.publishService.enabled }}
{{- $internal := and (not $values.service.external.enabled) $values.service.internal.enabled }}
- --publish-service={{ $values.publishService.pathOverride | default (printf "$(POD_NAMESPACE)/%s%s" (include "ingress-nginx.controller" .) (ternary "-internal" "" $internal)) }}
{{- end }}
- --election-id={{ include "ingress-nginx.electionID" . }}
- --controller-class={{ $values.ingressClassResource.controllerValue }}
{{- with $values.ingressClass }}
- --ingress-class={{ . }}
{{- end }}
- --configmap={{ $values.configMapNamespace | default "$(POD_NAMESPACE)" }}/{{ include "ingress-nginx.controller" . }}
{{- if .Values.tcp }}
- --tcp-services-configmap={{ $values.tcp.configMapNamespace | default "$(POD_NAMESPACE)" }}/{{ $fullname }}-tcp
{{- end }}
{{- if .Values.udp }}
- --udp-services-configmap={{ $values.udp.configMapNamespace | default "$(POD_NAMESPACE)" }}/{{ $fullname }}-udp
{{- end }}
{{- if $values.scope.enabled }}
- --watch-namespace={{ $values.scope.namespace | default "$(POD_NAMESPACE)" }}
{{- else if $values.scope.namespaceSelector }}
- --watch-namespace-selector={{ $values.scope.namespaceSelector }}
{{- end }}
{{- if $values.admissionWebhooks.enabled }}
- --validating-webhook=:{{ $values.admissionWebhooks.port }}
- --validating-webhook-certificate={{ $values.admissionWebhooks.certificate }}
- --validating-webhook-key={{ $values.admissionWebhooks.key }}
{{- end }}
- --enable-metrics={{ $values.metrics.enabled }}
{{- if $values.enableAnnotationValidations }}
- --enable-annotation-validation=true
{{- end }}
{{- if $values.reportNodeInternalIp }}
- --report-node-internal-ip-address=true
{{- end }}
{{- if $values.watchIngressWithoutClass }}
- --watch-ingress-without-class=true
{{- end }}
{{- if $values.ingressClassByName }}
- --ingress-class-by-name=true
{{- end }}
{{- if $values.enableTopologyAwareRouting }}
- --enable-topology-aware-routing=true
{{- end }}
{{- if $values.disableLeaderElection }}
- --disable-leader-election=true
{{- end }}
{{- with $values.electionTTL }}
- --election-ttl={{ . }}
{{- end }}
{{- if ne (int $values.containerPort.http) 80 }}
- --http-port={{ $values.containerPort.http }}
{{- end }}
{{- if ne (int $values.containerPort.https) 443 }}
- --https-port={{ $values.containerPort.https }}
{{- end }}
{{- if ne $values.healthCheckPath "/healthz" }}
- --health-check-path={{ $values.healthCheckPath }}
{{- end }}
{{- with $values.healthCheckHost }}
- --healthz-host={{ . }}
{{- end }}
{{- range $name, $value := $values.extraArgs }}
- --{{ $name }}{{ if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}={{ $value }}{{ end }}
{{- end }}
{{- end -}}
