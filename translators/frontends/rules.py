"""Read rules of Calico's own kinds, refusing what the Calico API would refuse (``calico.md`` §3).

Source: projectcalico/calico ``api/pkg/apis/projectcalico/v3/policy_common.go``,
``libcalico-go/lib/validator/v3/validator.go``, and the CEL rules of the CRDs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from translators.algebra.cidrs import Cidr, parse_cidr
from translators.flows import PROTOCOLS
from translators.frontends.fields import Fields, Path
from translators.ir.policy import Action, Entity, PortRange, Rule
from translators.selectors.ast import All, And, Global, Node, Not, Or

__all__ = ["MAX_RULES", "rules"]

MAX_RULES = 1024
MAX_NETS = 256
MAX_PORTS = 50
PORTED = frozenset({6, 17, 132})
ICMP, ICMPV6 = 1, 58
_PORT_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}\Z")
_RANGE = re.compile(r"(\d{1,5}):(\d{1,5})\Z")
MAX_DIGITS, MAX_SHOWN = 4, 60
_NAMES = {name.lower(): number for name, number in PROTOCOLS.items()}
_RULE_KEYS = frozenset({"action", "ipVersion", "protocol", "notProtocol", "icmp", "notICMP", "source",
                        "destination", "http", "metadata"})  # fmt: skip
_ENTITY_KEYS = frozenset({"nets", "notNets", "selector", "notSelector", "namespaceSelector", "services",
                          "ports", "notPorts", "serviceAccounts"})  # fmt: skip


def rules(fields: Fields, value: object, path: Path, *, global_policy: bool) -> tuple[Rule, ...]:
    """Give the rules of one direction; ``path`` ends in ``ingress`` or ``egress``."""
    items = fields.sequence(value, path)
    if len(items) > MAX_RULES:
        fields.add("CAL-P106", path, n=len(items), max=MAX_RULES)
    found = []
    for index, item in enumerate(items):
        where = (*path, index)
        if not isinstance(item, Mapping):
            fields.wrong_type(where, item, "a map")
            continue
        rule = _Reader(fields, where, item, global_policy=global_policy).rule(index)
        if rule is not None:
            found.append(rule)
    return tuple(found)


class _Reader:
    """Reads one rule."""

    def __init__(self, fields: Fields, path: Path, data: Mapping[str, Any], *, global_policy: bool) -> None:
        self._fields = fields
        self._path = path
        self._data = data
        self._global = global_policy
        self._ingress = path[-2] == "ingress"

    def rule(self, index: int) -> Rule | None:
        fields, data, path = self._fields, self._data, self._path
        fields.known(data, _RULE_KEYS, path)
        action = self._action()
        protocol = self._protocol("protocol")
        not_protocol = self._protocol("notProtocol")
        version = self._version(protocol)
        source, destination = self._entity("source"), self._entity("destination")
        http = self._http()
        icmp, not_icmp = self._icmp("icmp", protocol), self._icmp("notICMP", protocol)
        self._check_http(action, protocol, http=bool(data.get("http")))
        self._check_ports(protocol, source, destination)
        self._check_families(version, source, destination)
        if action is None:
            return None
        span = fields.document.at(*path)
        return Rule(action, index, span, version, protocol, not_protocol, icmp, not_icmp, source,
                    destination, http)  # fmt: skip

    def _action(self) -> Action | None:
        path = (*self._path, "action")
        text = self._fields.text(self._data.get("action"), path)
        for action in Action:
            if text == action:
                return action
            if text.lower() == action.lower():
                self._fields.add("CAL-P104", path, value=text, canon=action)
                return action
        self._fields.refuse(path, f"action is {text or 'missing'!r}: Allow, Deny, Log or Pass is needed")
        return None

    def _protocol(self, key: str) -> int | None:
        path = (*self._path, key)
        value = self._data.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value.lower() in _NAMES:
            return _NAMES[value.lower()]
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 255:
            return value
        self._fields.refuse(
            path, f"{key} is {str(value)[:MAX_SHOWN]!r}: a protocol name or 1 to 255 is needed"
        )
        return None

    def _version(self, protocol: int | None) -> int | None:
        path = (*self._path, "ipVersion")
        version = self._data.get("ipVersion")
        if version is not None and (not isinstance(version, int) or version not in {4, 6}):
            self._fields.refuse(path, f"ipVersion is {version!r}: 4 or 6 is possible")
            return None
        implied = {ICMP: 4, ICMPV6: 6}.get(protocol or 0)
        if version is not None and implied not in {None, version}:
            self._fields.refuse(path, f"protocol {self._data['protocol']} is not of ipVersion {version}")
        return version

    def _icmp(self, key: str, protocol: int | None) -> tuple[int, int | None] | None:
        path = (*self._path, key)
        if self._data.get(key) is None:
            return None
        data = self._fields.mapping(self._data[key], path)
        self._fields.known(data, {"type", "code"}, path)
        if protocol not in {ICMP, ICMPV6}:
            if key == "notICMP":
                self._fields.add("CAL-P116", path, p=self._data.get("protocol", "none"))
            else:
                self._fields.refuse(path, "icmp needs protocol ICMP or ICMPv6")
            return None
        type_ = self._fields.integer(data.get("type"), (*path, "type"), 0, 254)
        code = self._fields.integer(data.get("code"), (*path, "code"), 0, 255)
        if code is not None and data.get("type") is None:
            self._fields.refuse(path, "an ICMP code needs a type")
        return None if type_ is None else (type_, code)

    def _http(self) -> tuple[tuple[str, str], ...]:
        """Read methods and paths; an exact path is itself, a prefix whatever begins with it."""
        path = (*self._path, "http")
        data = self._fields.mapping(self._data.get("http"), path)
        self._fields.known(data, frozenset({"methods", "paths"}), path)
        methods = [str(m) for m in self._fields.sequence(data.get("methods"), (*path, "methods"))]
        paths = []
        for index, item in enumerate(self._fields.sequence(data.get("paths"), (*path, "paths"))):
            found = self._fields.mapping(item, (*path, "paths", index))
            self._fields.known(found, frozenset({"exact", "prefix"}), (*path, "paths", index))
            if len(found) != 1:
                self._fields.refuse((*path, "paths", index), "a path is either exact or a prefix")
            exact, prefix = found.get("exact"), found.get("prefix")
            paths.append(re.escape(str(exact)) if exact is not None else f"{re.escape(str(prefix))}.*")
        return tuple((m, p) for m in methods or [""] for p in paths or [""] if m or p)

    def _check_http(self, action: Action | None, protocol: int | None, *, http: bool) -> None:
        path = (*self._path, "http")
        if not http:
            return
        if protocol not in {None, 6}:
            self._fields.refuse(path, "http needs protocol TCP or none")
        if action is not Action.ALLOW:
            self._fields.refuse(path, "http is possible with action Allow only")
        if not self._ingress:
            self._fields.refuse(path, "http is possible in ingress rules only")
        self._fields.add("CAL-L513", path)

    def _check_ports(self, protocol: int | None, source: Entity, destination: Entity) -> None:
        for name, entity in (("source", source), ("destination", destination)):
            for key, ports in (("ports", entity.ports), ("notPorts", entity.not_ports)):
                numeric = any(isinstance(port, PortRange) for port in ports)
                named_only = protocol is None and not numeric
                if ports and protocol not in PORTED and not named_only:
                    self._fields.add("CAL-P107", (*self._path, name, key))
                elif ports and protocol is None:
                    self._fields.add("CAL-L510", (*self._path, name, key), name=ports[0])

    def _check_families(self, version: int | None, source: Entity, destination: Entity) -> None:
        nets = [n for e in (source, destination) for n in (*e.nets, *e.not_nets)]
        families = {net.family for net in nets}
        if len(families) > 1:
            self._fields.add("CAL-P109", self._path)
        elif version is not None and families and families != {version}:
            self._fields.refuse(self._path, f"the networks are not of ipVersion {version}")

    def _entity(self, key: str) -> Entity:
        fields, path = self._fields, (*self._path, key)
        data = fields.mapping(self._data.get(key), path)
        fields.known(data, _ENTITY_KEYS, path)
        accounts = fields.mapping(data.get("serviceAccounts"), (*path, "serviceAccounts"))
        names_path = (*path, "serviceAccounts", "names")
        return Entity(
            nets=self._nets(data, "nets", path),
            not_nets=self._nets(data, "notNets", path),
            selector=fields.selector(data.get("selector"), (*path, "selector")),
            not_selector=fields.selector(data.get("notSelector"), (*path, "notSelector")),
            namespace_selector=self._namespace_selector(data, path),
            account_names=tuple(
                fields.text(n, names_path) for n in fields.sequence(accounts.get("names"), names_path)
            ),
            account_selector=fields.selector(
                accounts.get("selector"), (*path, "serviceAccounts", "selector")
            ),
            service=self._service(data, key, path),
            ports=self._ports(data, "ports", path),
            not_ports=self._ports(data, "notPorts", path),
        )

    def _namespace_selector(self, data: Mapping[str, Any], path: Path) -> Node | None:
        where = (*path, "namespaceSelector")
        node = self._fields.selector(data.get("namespaceSelector"), where)
        if node is not None and not isinstance(node, Global) and _holds_global(node):
            self._fields.refuse(where, "global() stands alone or not at all")
        return node

    def _nets(self, data: Mapping[str, Any], key: str, path: Path) -> tuple[Cidr, ...]:
        where = (*path, key)
        items = self._fields.sequence(data.get(key), where)
        if len(items) > MAX_NETS:
            self._fields.add("CAL-P106", where, n=len(items), max=MAX_NETS)
        found = []
        for index, item in enumerate(items):
            net = _network(item)
            if net is None:
                self._fields.refuse((*where, index), f"{item!r} is not a network such as 10.0.0.0/8")
                continue
            if key == "notNets" and net.length == 0:
                self._fields.add("CAL-P108", (*where, index), cidr=item)
            found.append(net)
        return tuple(found)

    def _service(self, data: Mapping[str, Any], key: str, path: Path) -> tuple[str, str] | None:
        where = (*path, "services")
        if data.get("services") is None:
            return None
        service = self._fields.mapping(data["services"], where)
        self._fields.known(service, {"name", "namespace"}, where)
        for other in sorted(set(data) - {"services"}):
            self._fields.add("CAL-P112", (*path, other), field=other)
        if self._ingress != (key == "source"):
            self._fields.refuse(where, "services are possible for the peer of a rule only")
        name = self._fields.text(service.get("name"), (*where, "name"))
        namespace = self._fields.text(service.get("namespace"), (*where, "namespace"))
        if not name:
            self._fields.refuse(where, "services needs a name")
        if not namespace and self._global:
            self._fields.refuse(where, "services needs a namespace in a GlobalNetworkPolicy")
        elif not namespace:
            self._fields.add("CAL-N415", where, version="of every version known")
        return (namespace, name)

    def _ports(self, data: Mapping[str, Any], key: str, path: Path) -> tuple[PortRange | str, ...]:
        where = (*path, key)
        items = self._fields.sequence(data.get(key), where)
        if len(items) > MAX_PORTS:
            self._fields.add("CAL-P106", where, n=len(items), max=MAX_PORTS)
        ports = (self._port(item, (*where, index)) for index, item in enumerate(items))
        return tuple(port for port in ports if port is not None)

    def _port(self, item: object, path: Path) -> PortRange | str | None:
        if isinstance(item, int) and not isinstance(item, bool) and 1 <= item <= 65535:
            return PortRange(item, item)
        if isinstance(item, str):
            return self._port_text(item, path)
        self._fields.refuse(path, f"port {item!r}: 1 to 65535, a range or a name is needed")
        return None

    def _port_text(self, item: str, path: Path) -> PortRange | str | None:
        bounds = _RANGE.match(item)
        if bounds or (item.isascii() and item.isdigit()):
            first, last = (int(bounds[1]), int(bounds[2])) if bounds else (int(item), int(item))
            if not 1 <= first <= last <= 65535:
                self._fields.refuse(path, f"port range {item!r} is not within 1 to 65535")
                return None
            if bounds and self._fields.document.written_plain(*path) and _is_base_60(item):
                self._fields.add("CAL-P120", path, text=item)
            return PortRange(first, last)
        if _PORT_NAME.match(item):
            return item
        self._fields.refuse(path, f"{item!r} is neither a port, a range nor a port name")
        return None


def _network(item: object) -> Cidr | None:
    """Read a network as a rule takes it: a prefix, without host bits."""
    if not isinstance(item, str) or "/" not in item:
        return None
    try:
        return parse_cidr(item, strict=True)
    except ValueError:
        return None


def _is_base_60(text: str) -> bool:
    first, _, last = text.partition(":")
    return len(last) <= 2 and int(last) < 60 and not first.startswith("0")


def _holds_global(node: Node) -> bool:
    match node:
        case Global():
            return True
        case Not(operand):
            return _holds_global(operand)
        case And(operands) | Or(operands):
            return any(_holds_global(part) for part in operands)
        case All():
            return False
    return False
