"""Service settings in SQL."""

from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import StoredSetting
from fairlead.store.tables import service_settings

# Made once, because making it takes longer than running it: every start of a session asks for the tier.
_SETTING = select(service_settings).where(
    service_settings.c.account_id == bindparam("of_account"),
    service_settings.c.region == bindparam("of_region"),
    service_settings.c.setting_id == bindparam("of_setting"),
)


class SqlServiceSettings:
    """domain.service_settings.ServiceSettingRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, scope: Scope, setting_id: str) -> StoredSetting | None:
        names = {"of_account": scope.account_id, "of_region": scope.region, "of_setting": setting_id}
        row = self._connection.execute(_SETTING, names).one_or_none()
        if row is None:
            return None
        return StoredSetting(value=row.value, modified_at=row.modified_at, modified_by=row.modified_by)

    def put(self, scope: Scope, setting_id: str, setting: StoredSetting) -> None:
        if self._change(scope, setting_id, setting):
            return
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    insert(service_settings).values(
                        account_id=scope.account_id,
                        region=scope.region,
                        setting_id=setting_id,
                        **asdict(setting),
                    )
                )
        except IntegrityError:  # somebody else has made the first decision meanwhile; this one is later
            self._change(scope, setting_id, setting)

    def _change(self, scope: Scope, setting_id: str, setting: StoredSetting) -> bool:
        changed = self._connection.execute(
            update(service_settings).where(*_of(scope, setting_id)).values(**asdict(setting))
        )
        return changed.rowcount > 0


def _of(scope: Scope, setting_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        service_settings.c.account_id == scope.account_id,
        service_settings.c.region == scope.region,
        service_settings.c.setting_id == setting_id,
    )
