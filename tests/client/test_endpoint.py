"""Addresses of engines: what is accepted is rebuilt, everything else is one sentence."""

import pytest

from engines.client.endpoint import Address, AddressInvalid, parse


@pytest.mark.parametrize(
    ("url", "address", "canonical"),
    [
        ("unix:///run/d.sock", Address("unix", path="/run/d.sock"), "unix:///run/d.sock"),
        ("tcp://Host.Example:2376", Address("tcp", host="host.example", port=2376), "tcp://host.example:2376"),
        ("tcp://10.0.0.9:2375", Address("tcp", host="10.0.0.9", port=2375), "tcp://10.0.0.9:2375"),
        ("tcp://[0::1]:2375", Address("tcp", host="::1", port=2375), "tcp://[::1]:2375"),
        ("ssh://ann@host", Address("ssh", host="host", port=22, user="ann"), "ssh://ann@host:22"),
        ("ssh://ann@host:2222", Address("ssh", host="host", port=2222, user="ann"), "ssh://ann@host:2222"),
    ],
)
def test_an_address_is_read_into_its_fields_and_spelt_one_way(url, address, canonical):
    assert parse(url) == address
    assert str(address) == canonical
    assert parse(canonical) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/run/docker.sock",
        "http://a:80",
        "https://a:443",
        "npipe:////./pipe/docker",
        "fd://",
        "file:///etc/passwd",
        "unix://",
        "unix://relative.sock",
        "unix:///run/../etc/d.sock",
        "unix:///run//d.sock",
        "unix:///" + "a" * 108,
        "tcp://",
        "tcp://host",
        "tcp://host:",
        "tcp://host:0",
        "tcp://host:65536",
        "tcp://host:80x",
        "tcp://host:2375/../x",
        "tcp://host:2375?x=1",
        "tcp://host:2375#f",
        "tcp://user:secret@host:2375",
        "tcp://ho st:2375",
        "tcp://host\t:2375",
        "tcp://host:2375\n",
        "tcp://h\u00f6st:2375",
        "tcp://\u2460.0.0.1:2375",
        "tcp://-host:2375",
        "tcp://a..b:2375",
        "tcp://2130706433:2375",
        "tcp://0x7f.1:2375",
        "tcp://127.1:2375",
        "tcp://127.0.0.0x1:2375",
        "tcp://[::1:2375",
        "tcp://[nonsense]:2375",
        "tcp://[::1]2375",
        "ssh://host",
        "ssh://@host",
        "ssh://-l@host",
        "ssh://ann:secret@host",
        "ssh://ann@-oProxyCommand=x",
        "ssh://ann@host%20x",
        "ssh://ann@bob@host",
    ],
)
def test_anything_else_is_refused_with_one_sentence(url):
    with pytest.raises(AddressInvalid) as refusal:
        parse(url)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)
