"""What is audited, and which parameters of it may be written down. What is not named here cannot be written.

Never among them: passwords, keys, tokens, values of environment or build arguments.
"""

from engines.permissions import Permission

#: Act -> names of the parameters that may be kept. Permissions are acts; the others have names of their own.
ACTS: dict[str, frozenset[str]] = {
    # Logging in and one's own account.
    "login": frozenset({"method"}),
    "login.failed": frozenset({"method"}),
    "logout": frozenset(),
    "password.change": frozenset(),
    "password.link-used": frozenset(),
    "factor.add": frozenset({"type", "name"}),
    "factor.remove": frozenset({"type", "name"}),
    "factor.reset": frozenset({"type"}),
    "session.end": frozenset({"session"}),
    "sso.connect": frozenset({"issuer"}),
    "token.create": frozenset({"name", "role", "engines", "expires_at"}),
    "token.revoke": frozenset({"name"}),
    "request.forged": frozenset({"path", "reason"}),
    # Access, by administrators.
    "user.create": frozenset({"teams", "administrator"}),
    "user.disable": frozenset(),
    "user.enable": frozenset(),
    "user.delete": frozenset(),
    "user.reset": frozenset(),
    "user.administrator": frozenset({"administrator"}),
    "user.end-sessions": frozenset({"sessions"}),
    "user.provisioned": frozenset({"issuer"}),
    "team.create": frozenset({"name", "sso_group"}),
    "team.edit": frozenset({"name", "sso_group"}),
    "team.delete": frozenset(),
    "team.member-add": frozenset({"user", "source"}),
    "team.member-remove": frozenset({"user", "source"}),
    "grant.create": frozenset({"to", "role", "expires_at"}),
    "grant.edit": frozenset({"to", "role", "expires_at"}),
    "grant.delete": frozenset({"to", "role"}),
    "policy.edit": frozenset({"second_factor_from"}),
    "limits.edit": frozenset({"changed", "before", "after"}),
    "secrets.rotate": frozenset({"sealed"}),
    # Engines.
    "engine.register": frozenset({"url", "tags"}),
    "engine.edit": frozenset({"url", "tags", "material"}),
    "engine.test": frozenset(),
    "engine.trust": frozenset({"fingerprints"}),
    "engine.forget-host-key": frozenset(),
    "engine.enable": frozenset(),
    "engine.disable": frozenset(),
    "engine.remove": frozenset(),
    # The trail itself.
    "audit.export": frozenset({"format", "filter"}),
    # Operations.
    "operation.cancel": frozenset({"kind"}),
    "operation.repeat": frozenset({"kind"}),
    # Acts on engines that take something beyond their object.
    Permission.CONTAINER_CREATE: frozenset(
        {"image", "name", "started", "beyond", "mounts", "reaches", "pull", "container", "keep", "volumes"}
    ),
    Permission.CONTAINER_EXEC: frozenset({"command", "user", "folder", "recording"}),
    Permission.CONTAINER_ATTACH: frozenset({"recording"}),
    Permission.CONTAINER_FILES: frozenset({"verb", "path", "to"}),
    Permission.CONTAINER_KILL: frozenset({"signal"}),
    Permission.CONTAINER_REMOVE: frozenset({"force", "volumes"}),
    Permission.CONTAINER_PRUNE: frozenset({"containers", "bytes", "created_before", "labels"}),
    Permission.CONTAINER_RENAME: frozenset({"name"}),
    Permission.CONTAINER_UPDATE: frozenset({"changed"}),
    Permission.CONTAINER_COMMIT: frozenset({"container", "reference", "pause"}),
    Permission.NETWORK_CONNECT: frozenset({"container", "joined", "force"}),
    Permission.RECORDING_VIEW: frozenset({"recording", "as"}),
    Permission.IMAGE_BUILD: frozenset({"tags", "target", "dockerfile"}),
    Permission.IMAGE_PULL: frozenset({"reference", "platform"}),
}


def allowed(act: str) -> frozenset[str]:
    """The parameters that may be written of `act`. Raises ValueError when there is no such act."""
    if act in ACTS:
        return ACTS[act]
    return frozenset() if Permission(act) else frozenset()
