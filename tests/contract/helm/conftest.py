"""A namespace, the helm binary, and a chart that needs no kubelet."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster.api import KubeApi
from blueshift.helm.charts import Chart, read_chart
from blueshift.helm.client import Helm
from tests.contract.apiserver import ApiServer

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-plain
  labels: {kube: {{ .Capabilities.KubeVersion.Major | quote }}}
data:
  colour: {{ .Values.colour | quote }}
  number: {{ .Values.number | quote }}
  octal: {{ .Values.octal | quote }}
  exponent: {{ .Values.exponent | quote }}
  note: {{ .Files.Get "note.txt" | quote }}
  {{- if .Capabilities.APIVersions.Has "apps/v1/Deployment" }}
  deployments: "yes"
  {{- end }}
  {{- if .Release.IsUpgrade }}
  upgrade: "yes"
  {{- end }}
"""

# Nothing here runs Jobs, so helm waits for it until its --timeout: a revision that stays pending.
SLOW = """\
{{- if .Values.slow }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-slow
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: none, image: none}]
{{- end }}
"""


@pytest.fixture
async def helm(kube: KubeApi, apiserver: ApiServer) -> Helm:
    return await Helm.open(kube, SystemClock(), executable=str(apiserver.helm))


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return write(tmp_path / "tiny", "1.0.0")


def write(folder: Path, version: str) -> Chart:
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: tiny\nversion: {version}\nappVersion: 7\n",
        "values.yaml": '# why\ncolour: red\nnumber: 10254\noctal: "0644"\nexponent: "1e3"\nslow: false\n',
        "templates/map.yaml": CONFIG_MAP,
        "templates/slow.yaml": SLOW,
        "templates/_helpers.tpl": '{{- define "unused" }}{{ end }}',
        "templates/NOTES.txt": "Thank you\n",
        "note.txt": "ein Übel\n",
        ".helmignore": "*.orig\n",
        "templates/map.yaml.orig": "broken: {{",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return read_chart(folder)
