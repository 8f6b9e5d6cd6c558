"""Whose a push token is: a token belongs to whoever registered it last (NS-DATA-OP-10).

consumes  TokenClaimed
keeps     owners
emits     DeviceChanged for the one who had the token before
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.device_words import DeviceAction
from schemas.records import DeviceChanged
from tables.devices import Owner, owner_key

if TYPE_CHECKING:
    from agents.ports import Table
    from schemas.records import TokenClaimed


def claim(value: TokenClaimed, owners: Table[bytes, Owner]) -> list[DeviceChanged]:
    """The later registration has the token, and the other device is off (NS-DATA-OP-10)."""
    key = owner_key(value.token_hash)
    owner = owners.get(key)
    if value.is_released:
        if owner is not None and owner.device_id == value.device_id:
            owners.delete(key)
        return []
    claimant = Owner(user_id=value.user_id, device_id=value.device_id, at=value.at)
    if owner is None or owner.device_id == claimant.device_id:
        owners.put(key, claimant)
        return []
    if claimant.at < owner.at:
        return [_moved(claimant, owner.at)]
    owners.put(key, claimant)
    return [_moved(owner, claimant.at)]


def _moved(loser: Owner, at: int) -> DeviceChanged:
    return DeviceChanged(
        user_id=loser.user_id, device_id=loser.device_id, action=DeviceAction.MOVED, changed_at=at
    )
