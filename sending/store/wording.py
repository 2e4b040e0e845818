# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Word why SMS failed, in the language of the user who created each of them."""
from dataclasses import replace


def word_results(env, queued):
    """Write the complete reason of each failed SMS to `error_message`, and without what only administrators can do to
    `public_reason`. Idempotent."""
    unworded = [sms for sms in queued if sms.result.problem or sms.result.doubtful]
    if not unworded:
        return
    wordings = find_wordings(env, [sms.id for sms in unworded])
    for sms in unworded:
        sms.public_reason = wordings[sms.id]._word_result(sms.result, advice=False)
        reason = wordings[sms.id]._word_result(sms.result)
        sms.result = replace(sms.result, problem=None, doubtful=False, error_message=reason)


def find_wordings(env, ids):
    """
    :param ids: of SMS
    :return: {id of the SMS: `sms.gateway.problem` in the language of the user who created it}
    :rtype: dict
    """
    env.cr.execute("""
        SELECT s.id, p.lang FROM sms_sms s
        JOIN res_users u ON u.id = s.create_uid JOIN res_partner p ON p.id = u.partner_id WHERE s.id = ANY(%s)
    """, [list(ids)])
    languages = dict(env.cr.fetchall())
    problems = env['sms.gateway.problem']
    wordings = {lang: problems.with_context(lang=lang) for lang, _name in env['res.lang'].get_installed()}
    return {sms_id: wordings.get(languages.get(sms_id), problems) for sms_id in ids}
