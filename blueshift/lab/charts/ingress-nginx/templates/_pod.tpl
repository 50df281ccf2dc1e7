{{- define "ingress-nginx.securityContext" -}}
{{- with .Values.controller.containerSecurityContext -}}
{{ toYaml . }}
{{- else -}}
{{- with .Values.controller.image -}}
runAsNonRoot: {{ .runAsNonRoot }}
runAsUser: {{ .runAsUser }}
{{- with .runAsGroup }}
runAsGroup: {{ . }}
{{- end }}
allowPrivilegeEscalation: {{ .allowPrivilegeEscalation }}
seccompProfile: {{ toYaml .seccompProfile | nindent 2 }}
capabilities:
  drop: [ALL]
  add: [NET_BIND_SERVICE]
readOnlyRootFilesystem: {{ .readOnlyRootFilesystem }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ingress-nginx.containerPorts" -}}
{{- $values := .Values.controller -}}
{{- range $name, $port := $values.containerPort }}
- name: {{ $name }}
  containerPort: {{ $port }}
  protocol: TCP
  {{- if $values.hostPort.enabled }}
  hostPort: {{ index $values.hostPort.ports $name | default $port }}
  {{- end }}
{{- end }}
{{- if $values.metrics.enabled }}
- name: {{ $values.metrics.portName }}
  containerPort: {{ $values.metrics.port }}
  protocol: TCP
{{- end }}
{{- if $values.admissionWebhooks.enabled }}
- name: webhook
  containerPort: {{ $values.admissionWebhooks.port }}
  protocol: TCP
{{- end }}
{{- range $port, $target := .Values.tcp }}
- name: {{ $.Values.portNamePrefix }}{{ $port }}-tcp
  containerPort: {{ $port }}
  protocol: TCP
  {{- if $values.hostPort.enabled }}
  hostPort: {{ $port }}
  {{- end }}
{{- end }}
{{- range $port, $target := .Values.udp }}
- name: {{ $.Values.portNamePrefix }}{{ $port }}-udp
  containerPort: {{ $port }}
  protocol: UDP
  {{- if $values.hostPort.enabled }}
  hostPort: {{ $port }}
  {{- end }}
{{- end }}
{{- end -}}
