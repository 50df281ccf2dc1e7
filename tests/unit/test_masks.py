"""What is hidden in text, and what is left as it is."""

from __future__ import annotations

import pytest

from blueshift.masks import masked

# Made up here; none of them opens anything.
CANARY = "canary0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach https://bot:{CANARY}@grafana.lab.test/api",
        f"Authorization: Bearer {CANARY}",
        f"nsupdate -y hmac-sha256:blueshift:{CANARY}==",
        f'key "k" {{ algorithm hmac-sha256; secret "{CANARY}="; }};',
        f"eyJhbGciOi.{CANARY}.sig",
        f"xoxb-{CANARY}",
        f"glsa_{CANARY}",
        f'{{"password": "{CANARY}"}}',
        f"GRAFANA_TOKEN={CANARY}",
        f"curl --token {CANARY} x",
    ],
)
def test_a_secret_is_known_by_its_shape(text: str) -> None:
    hidden = masked(text, {})
    assert CANARY not in hidden
    assert "***" in hidden


def test_a_secret_is_known_by_the_variable_that_holds_it() -> None:
    environment = {"BLUESHIFT_WEBHOOK_URL": f"https://chat/{CANARY}", "DB_PASSWORD": CANARY, "TOKEN_ON": "1"}
    assert masked(f"posted to https://chat/{CANARY} by {CANARY}", environment) == "posted to *** by ***"


def test_the_rest_stays_as_it_is() -> None:
    text = "edge/demo: secret demo-tls in namespace ingress, 1 token left; http://a:8080/x@y"
    assert masked(text, {"TOKEN_ON": "1", "HOME": "edge"}) == text
