import subprocess
import sys

import pytest

from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.controllers.profile import Profile
from blueshift.controllers.registry import load, recognise, refuse
from blueshift.errors import BlueshiftError
from tests.unit.controllers.test_workload import controller, workload


def test_built_ins_keep_the_contract() -> None:
    profile: Profile = IngressNginx()
    assert type(load("ingress-nginx")) is type(profile)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BlueshiftError) as caught:
        load("ingres-nginx")
    assert caught.value.hint == "did you mean 'ingress-nginx'?"
    with pytest.raises(BlueshiftError) as caught:
        load("zzz")
    assert caught.value.hint == "known profiles: ingress-nginx"


def test_a_workload_is_recognised() -> None:
    found = recognise(workload(controller()))
    assert found is not None
    assert (found[0].name, found[1].confidence) == ("ingress-nginx", 1.0)
    assert recognise(workload({"image": "traefik:v3"})) is None


def test_apisix_is_refused_with_the_reason_and_others_are_not() -> None:
    refuse(workload(controller()))
    refuse(workload({"image": "traefik:v3"}))
    with pytest.raises(BlueshiftError) as caught:
        refuse(workload({"image": "apache/apisix-ingress-controller:2.0.1"}))
    assert "the primary's own data plane" in caught.value.message
    assert "image apache/apisix-ingress-controller:2.0.1" in str(caught.value)
    assert "blueshift init" in str(caught.value.hint)


def test_naming_profiles_loads_none() -> None:
    code = "import sys, blueshift.controllers.registry; print(sum('ingress_nginx' in m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
