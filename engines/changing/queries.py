"""Reads for the pages that change a container: the networks it is in or could join, and whether a tag is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines import reach
from engines.client.connect import call
from engines.client.errors import EngineReplied
from engines.client.fields import number, table, tables, text, texts
from engines.client.ids import require_image
from engines.models import Engine

#: Only containers made so are in the first two; Swarm keeps the last for itself.
_NOT_JOINED = frozenset({"host", "none", "ingress"})
_NOT_FOUND = 404


@dataclass(frozen=True)
class Membership:
    """How a container takes part in one network. Addresses are empty while it does not run."""

    network: str
    network_id: str
    ipv4: str
    ipv6: str
    gateway: str
    ipv6_gateway: str
    mac_address: str
    aliases: tuple[str, ...]
    #: The addresses asked for, which it has each time it starts.
    fixed: tuple[str, ...]

    @classmethod
    def from_api(cls, name: str, entry: Mapping[str, Any], container_id: str) -> "Membership":
        """From one of `NetworkSettings.Networks` of an inspect."""
        asked = table(entry.get("IPAMConfig"))
        names = [*texts(entry.get("DNSNames")), *texts(entry.get("Aliases"))]
        return cls(
            name,
            text(entry.get("NetworkID")),
            _with_prefix(entry, "IPAddress", "IPPrefixLen"),
            _with_prefix(entry, "GlobalIPv6Address", "GlobalIPv6PrefixLen"),
            text(entry.get("Gateway")),
            text(entry.get("IPv6Gateway")),
            text(entry.get("MacAddress")),
            # The engine itself adds the beginning of the id.
            tuple(dict.fromkeys(each for each in names if not container_id.startswith(each))),
            tuple(each for each in (text(asked.get("IPv4Address")), text(asked.get("IPv6Address"))) if each),
        )


def memberships(inspect: Mapping[str, Any]) -> list[Membership]:
    """The networks of the container of `inspect`, by name."""
    networks = table(table(inspect.get("NetworkSettings")).get("Networks"))
    own = text(inspect.get("Id"))
    return [Membership.from_api(name, table(entry), own) for name, entry in sorted(networks.items())]


def joinable(engine: Engine, joined: list[Membership]) -> list[tuple[str, str]]:
    """Name, and name with driver and subnets, of each network that can be joined besides. Raises EngineError."""
    left_out = _NOT_JOINED.union(each.network for each in joined)
    found = [(text(each.get("Name")), each) for each in tables(call(reach.client(engine), "GET", "/networks"))]
    return [(name, _described(name, each)) for name, each in sorted(found, key=_first) if name not in left_out]


def image(engine: Engine, reference: str) -> Mapping[str, Any]:
    """The inspect of the image that `reference` names; `{}` when there is none. Raises EngineError and IdInvalid."""
    try:
        return table(call(reach.client(engine), "GET", f"/images/{require_image(reference)}/json"))
    except EngineReplied as refusal:
        if refusal.status == _NOT_FOUND:
            return {}
        raise


def _first(pair: tuple[str, object]) -> str:
    return pair[0]


def _described(name: str, network: Mapping[str, Any]) -> str:
    subnets = [text(each.get("Subnet")) for each in tables(table(network.get("IPAM")).get("Config"))]
    inside = ["no way out"] if network.get("Internal") is True else []
    return " · ".join([name, text(network.get("Driver")), *filter(None, subnets), *inside])


def _with_prefix(entry: Mapping[str, Any], address: str, prefix: str) -> str:
    found, length = text(entry.get(address)), number(entry.get(prefix))
    return f"{found}/{length}" if found and length else found
