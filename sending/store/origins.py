# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where an SMS comes from, for the statistics: kept with its status, because the SMS and often the mailing are deleted.

Names instead of references, except for users and SMS templates: each foreign key would be checked for each SMS, and
locks a row that all workers share.
"""
# SQL of each column of the status row, see `JOINS`
COLUMNS = {
    'create_uid': 's.create_uid',
    'sms_template_id': 's.sms_template_id',
    'document_model': 'm.model',
}
JOINS = """
    LEFT JOIN sms_sms s ON s.id = v.sms_id_int
    LEFT JOIN mail_message m ON m.id = s.mail_message_id
"""
# the same with SMS Marketing; its queue creates the SMS as OdooBot
MARKETING_COLUMNS = {
    'create_uid': 'COALESCE(mailing.user_id, s.create_uid)',
    'sms_template_id': 's.sms_template_id',
    'document_model': 'COALESCE(m.model, mailing_model.model)',
    'mailing_id_int': 's.mailing_id',
    'mailing_name': 'mailing.subject',
    'campaign_name': "COALESCE(campaign.title ->> 'en_US', campaign.name)",
}
MARKETING_JOINS = f"""{JOINS}
    LEFT JOIN mailing_mailing mailing ON mailing.id = s.mailing_id
    LEFT JOIN ir_model mailing_model ON mailing_model.id = mailing.mailing_model_id
    LEFT JOIN utm_campaign campaign ON campaign.id = mailing.campaign_id
"""


def get_origin_sql(env):
    """
    :return: {column of the status row: SQL}, and the joins of these to the new rows `v`
    :rtype: tuple[dict[str, str], str]
    """
    if 'mailing_id' in env['sms.sms']._fields:
        return MARKETING_COLUMNS, MARKETING_JOINS
    return COLUMNS, JOINS
