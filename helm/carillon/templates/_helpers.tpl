{{- define "carillon.name" -}}
{{- if contains "carillon" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-carillon{{ end -}}
{{- end }}

{{/* Labels that select the pods of one part; called with a dict of root and part. */}}
{{- define "carillon.selector" -}}
app.kubernetes.io/name: carillon
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "carillon.labels" -}}
{{ include "carillon.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* What every pod of the pipeline has in common; called with a dict of root and part. */}}
{{- define "carillon.podMetadata" -}}
labels:
  {{- include "carillon.labels" . | nindent 2 }}
annotations:
  checksum/settings: {{ toYaml .root.Values.settings | sha256sum }}
  {{- with .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* No service links: they are variables of the namespace's services, of which ours would begin with CARILLON_. */}}
{{- define "carillon.podSettings" -}}
enableServiceLinks: false
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- with .root.Values.affinity }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "carillon.selector" . | nindent 14 }}
  {{- end }}
{{- end }}

{{- define "carillon.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "carillon.env" -}}
- name: CARILLON_CONFIG
  value: /etc/carillon/settings/carillon.yaml
{{- range $setting, $key := .Values.secret.keys }}
- name: CARILLON_{{ $setting | replace "." "__" | upper }}_FILE
  value: /etc/carillon/secrets/{{ $key }}
{{- end }}
{{- end }}

{{- define "carillon.probes" -}}
livenessProbe:
  httpGet: {path: /livez, port: ops}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: ops}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{- define "carillon.mounts" -}}
- {name: settings, mountPath: /etc/carillon/settings, readOnly: true}
- {name: secrets, mountPath: /etc/carillon/secrets, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "carillon.volumes" -}}
- name: settings
  configMap: {name: {{ include "carillon.name" . }}}
- name: secrets
  secret: {secretName: {{ required "secret.name must be said: an existing Secret" .Values.secret.name }}, defaultMode: 0440}
- name: tmp
  emptyDir: {}
{{- end }}
