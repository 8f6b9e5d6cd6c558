"""Who calls."""

from __future__ import annotations

from tests.unit.connectors.http.edge import SECRET

CLIENT = {"X_Gateway_Secret": SECRET, "X_Auth_Kind": "client", "X_User_Id": "u-1"}
