# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tools.sql import column_exists


def migrate(cr, version):
    """There is one status row for each SMS from now on. The addon that had this technical name before may have written
    several, or none's: the newest stays, and one without SMS gets a UUID that no SMS has."""
    if not column_exists(cr, 'sms_gateway_status', 'sms_uuid'):
        return
    cr.execute("""
        DELETE FROM sms_gateway_status older USING sms_gateway_status newer
        WHERE older.sms_uuid = newer.sms_uuid AND older.id < newer.id
    """)
    cr.execute("""
        UPDATE sms_gateway_status SET sms_uuid = replace(gen_random_uuid()::text, '-', '')
        WHERE COALESCE(sms_uuid, '') = ''
    """)
