{{- /* A Service of the controller; context: .root, .service (its values), .suffix of its name */ -}}
{{- define "ingress-nginx.service" -}}
{{- $common := .root.Values.controller.service -}}
{{- $service := .service -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "ingress-nginx.controller" .root }}{{ .suffix }}
  namespace: {{ include "ingress-nginx.namespace" .root }}
  labels:
    {{- include "ingress-nginx.controllerLabels" .root | nindent 4 }}
    {{- with $common.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $service.annotations }}
  annotations:
    {{- range $name, $value := . }}
    {{ $name }}: {{ tpl (toString $value) $.root | quote }}
    {{- end }}
  {{- end }}
spec:
  type: {{ $service.type | default $common.type }}
  {{- range $name := list "clusterIP" "loadBalancerIP" "loadBalancerClass" "externalTrafficPolicy" "sessionAffinity" "ipFamilyPolicy" "healthCheckNodePort" }}
  {{- with index $service $name }}
  {{ $name }}: {{ . }}
  {{- end }}
  {{- end }}
  {{- range $name := list "clusterIPs" "externalIPs" "loadBalancerSourceRanges" "ipFamilies" }}
  {{- with index $service $name }}
  {{ $name }}: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  ports:
    {{- if $common.enableHttp }}
    {{- include "ingress-nginx.servicePort" (dict "name" "http" "service" $service "common" $common) | nindent 4 }}
    {{- end }}
    {{- if $common.enableHttps }}
    {{- include "ingress-nginx.servicePort" (dict "name" "https" "service" $service "common" $common) | nindent 4 }}
    {{- end }}
    {{- range $protocol := list "tcp" "udp" }}
    {{- range $port, $target := index $.root.Values $protocol }}
    - name: {{ $.root.Values.portNamePrefix }}{{ $port }}-{{ $protocol }}
      port: {{ $port }}
      protocol: {{ upper $protocol }}
      targetPort: {{ $.root.Values.portNamePrefix }}{{ $port }}-{{ $protocol }}
      {{- with index (index $service.nodePorts $protocol | default dict) (toString $port) }}
      nodePort: {{ . }}
      {{- end }}
    {{- end }}
    {{- end }}
  selector:
    {{- include "ingress-nginx.selector" .root | nindent 4 }}
    app.kubernetes.io/component: controller
{{- end -}}

{{- define "ingress-nginx.servicePort" -}}
- name: {{ .name }}
  port: {{ index .service.ports .name | default (index .common.ports .name) }}
  protocol: TCP
  targetPort: {{ index .service.targetPorts .name | default (index .common.targetPorts .name) }}
  {{- if .service.appProtocol }}
  appProtocol: {{ .name }}
  {{- end }}
  {{- with index .service.nodePorts .name }}
  nodePort: {{ . }}
  {{- end }}
{{- end -}}
