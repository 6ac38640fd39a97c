//! New devices of a user (6.4): once one can be added to conversations, the user's other devices are told to, and it is told
//! where it will be.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{ConversationId, TenantId};

use super::conversations::Place;
use super::inbox::{self, Kind};
use super::sql::{U, all, first};
use super::{devices, silence, tenants};
use crate::storage::DeviceRef;

/// Tells of a device, the first time only.
pub(super) fn announce(conn: &Connection, tenant: &TenantId, device: DeviceRef) -> Result<(), DbError> {
    let version = first(
        conn,
        "UPDATE device SET announced = 1 WHERE tenant = ?1 AND device = ?2 AND announced = 0 AND active = 1
         RETURNING version",
        (tenant.as_str(), device.device.0),
        |row| row.get::<_, U>(0),
    )?;
    let Some(U(version)) = version else { return Ok(()) };
    for sibling in devices::active_of_user(conn, tenant, device.user)? {
        if sibling != device.device {
            let position = tenants::take_positions(conn, tenant, 1)?;
            let kind = inbox::ABOUT_DEVICE;
            inbox::push_about(conn, tenant, sibling, kind, device.device, version, position)?;
        }
    }
    for (conversation, incarnation) in conversations_of(conn, tenant, device)? {
        let place = Place {
            tenant,
            conversation,
            incarnation,
        };
        let position = tenants::take_positions(conn, tenant, 1)?;
        inbox::push(conn, place, device.device, Kind::Waiting, 0, position)?;
    }
    // Where the user is dormant nobody adds it: it comes in from outside (6.3).
    for (conversation, incarnation) in silence::dormant_in(conn, tenant, device.user)? {
        let place = Place {
            tenant,
            conversation,
            incarnation,
        };
        let position = tenants::take_positions(conn, tenant, 2)?;
        inbox::push(conn, place, device.device, Kind::Waiting, 0, position - 1)?;
        inbox::push(conn, place, device.device, Kind::Incarnation, 0, position)?;
    }
    Ok(())
}

/// Where other devices of the user have a leaf and this one has none.
fn conversations_of(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceRef,
) -> Result<Vec<(ConversationId, u64)>, DbError> {
    all(
        conn,
        "SELECT DISTINCT m.conversation, m.incarnation
         FROM device v INDEXED BY device_user
         CROSS JOIN membership m INDEXED BY membership_device
            ON m.tenant = v.tenant AND m.device = v.device AND m.removed_seq IS NULL AND m.left_seq IS NULL
         CROSS JOIN conversation c ON c.tenant = m.tenant AND c.conversation = m.conversation
                                  AND c.incarnation = m.incarnation
         WHERE v.tenant = ?1 AND v.user = ?2 AND NOT EXISTS (
             SELECT 1 FROM membership o INDEXED BY membership_leaf
             WHERE o.tenant = m.tenant AND o.conversation = m.conversation AND o.incarnation = m.incarnation
               AND o.device = ?3 AND o.removed_seq IS NULL)",
        (tenant.as_str(), device.user.0, device.device.0),
        |row| Ok((ConversationId(row.get(0)?), row.get::<_, U>(1)?.0)),
    )
}
