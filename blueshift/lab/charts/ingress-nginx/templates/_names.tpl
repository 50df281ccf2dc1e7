{{- /* Names and labels. Everything that is not namespaced is named after the release. */ -}}

{{- define "ingress-nginx.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "ingress-nginx.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "ingress-nginx.namespace" -}}
{{ .Values.namespaceOverride | default .Release.Namespace }}
{{- end -}}

{{- define "ingress-nginx.controller" -}}
{{ include "ingress-nginx.fullname" . }}-{{ .Values.controller.name }}
{{- end -}}

{{- define "ingress-nginx.admission" -}}
{{ include "ingress-nginx.fullname" . }}-{{ .Values.controller.admissionWebhooks.name }}
{{- end -}}

{{- define "ingress-nginx.admissionService" -}}
{{ include "ingress-nginx.controller" . }}-admission
{{- end -}}

{{- define "ingress-nginx.backend" -}}
{{ include "ingress-nginx.fullname" . }}-{{ .Values.defaultBackend.name }}
{{- end -}}

{{- define "ingress-nginx.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "ingress-nginx.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{- define "ingress-nginx.electionID" -}}
{{ .Values.controller.electionID | default (printf "%s-leader" (include "ingress-nginx.fullname" .)) }}
{{- end -}}

{{- define "ingress-nginx.selector" -}}
app.kubernetes.io/name: {{ include "ingress-nginx.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ingress-nginx.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "ingress-nginx.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "ingress-nginx.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ingress-nginx.controllerLabels" -}}
{{ include "ingress-nginx.labels" . }}
app.kubernetes.io/component: controller
{{- with .Values.controller.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* image: a map with registry, image or repository, tag, digest; context: .root and .image */ -}}
{{- define "ingress-nginx.image" -}}
{{- $image := .image -}}
{{- $registry := $image.registry | default .root.Values.global.image.registry -}}
{{ $image.repository | default (printf "%s/%s" $registry $image.image) }}:{{ $image.tag | default (printf "v%s" .root.Chart.AppVersion) }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- /* How many pods there are at least, whoever scales them */ -}}
{{- define "ingress-nginx.leastReplicas" -}}
{{- with .Values.controller -}}
{{- if .keda.enabled }}{{ .keda.minReplicas }}{{ else if .autoscaling.enabled }}{{ .autoscaling.minReplicas }}{{ else }}{{ .replicaCount }}{{ end -}}
{{- end -}}
{{- end -}}
