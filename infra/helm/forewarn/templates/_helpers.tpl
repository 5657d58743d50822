{{- define "forewarn.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "forewarn.labels" -}}
{{ include "forewarn.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "forewarn.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "forewarn.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "forewarn.secret" -}}
{{- .Values.secret.existingSecret | default (include "forewarn.name" .) }}
{{- end }}

{{- define "forewarn.plantMap" -}}
{{- if .Values.plant.existingConfigMap }}{{ .Values.plant.existingConfigMap }}{{ else if .Values.plant.files }}{{ include "forewarn.name" . }}-plant{{ end }}
{{- end }}

{{/* What every pod is. Of a dict: root, role, args, port, resources, and if wished secret (for the common one),
    secrets (beside it), volumes, mounts, env. */}}
{{- define "forewarn.pod" -}}
{{- $root := .root }}
metadata:
  labels:
    {{- include "forewarn.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    checksum/settings: {{ include (print $root.Template.BasePath "/settings.yaml") $root | sha256sum }}
    {{- if .config }}
    checksum/config: {{ .config | sha256sum }}
    {{- end }}
    {{- with $root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "forewarn.name" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 45
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "forewarn.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{ toJson .args }}
      envFrom:
        - configMapRef: {name: {{ include "forewarn.name" $root }}}
        - secretRef: {name: {{ .secret | default (include "forewarn.secret" $root) }}}
        {{- range .secrets }}
        - secretRef: {name: {{ . }}}
        {{- end }}
      {{- with .env }}
      env:
        {{- range $name, $value := . }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
      {{- end }}
      {{- if .port }}
      {{- /* The page answers to its own names alone: the probe asks by one that it always has. */}}
      {{- $headers := ternary (list (dict "name" "Host" "value" "localhost")) list (eq .port "console") }}
      ports:
        - name: {{ .port }}
          containerPort: {{ ternary 8080 9464 (eq .port "console") }}
      startupProbe:
        httpGet: {path: /healthz, port: {{ .port }}{{ if $headers }}, httpHeaders: {{ toJson $headers }}{{ end }}}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: {{ .port }}{{ if $headers }}, httpHeaders: {{ toJson $headers }}{{ end }}}
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe:
        httpGet: {path: /readyz, port: {{ .port }}{{ if $headers }}, httpHeaders: {{ toJson $headers }}{{ end }}}
        periodSeconds: 10
        timeoutSeconds: 5
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources: {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - {name: cache, mountPath: /var/cache/forewarn}
        - {name: tmp, mountPath: /tmp}
        {{- if include "forewarn.plantMap" $root }}
        - {name: plant, mountPath: /etc/forewarn/plant, readOnly: true}
        {{- end }}
        {{- if $root.Values.models.existingClaim }}
        - {name: models, mountPath: /etc/forewarn/models, readOnly: true}
        {{- end }}
        {{- range $root.Values.files }}
        - {name: file-{{ .name }}, mountPath: {{ .path }}, readOnly: true}
        {{- end }}
        {{- with .mounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- if not .hasOwnCache }}
    - name: cache
      emptyDir: {sizeLimit: {{ $root.Values.cache.sizeLimit }}}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    {{- with include "forewarn.plantMap" $root }}
    - name: plant
      configMap: {name: {{ . }}}
    {{- end }}
    {{- with $root.Values.models.existingClaim }}
    - name: models
      persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}
    {{- end }}
    {{- range $root.Values.files }}
    - name: file-{{ .name }}
      {{- if .secret }}
      secret: {secretName: {{ .secret }}, defaultMode: 0440}
      {{- else }}
      configMap: {name: {{ .configMap }}}
      {{- end }}
    {{- end }}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
