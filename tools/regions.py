# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Regions that providers name, as ISO 3166 country codes. Pure."""

REGIONS = {name: frozenset(codes.split()) for name, codes in {
    'EU': 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK',
    'AFRICA': (
        'AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE '
        'NG RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG ZA ZM ZW'),
    'LATAM': 'AR BO BR CL CO CR CU DO EC GT HN MX NI PA PE PY SV UY VE',
    'MENA': 'AE BH DZ EG IQ JO KW LB LY MA OM PS QA SA SD SY TN YE',
}.items()}


def expand_codes(text: str | None) -> set[str]:
    """Return the country codes of a comma-separated list of countries and regions; GLOBAL adds none."""
    tokens = {token.strip().upper() for token in (text or '').split(',')} - {'', 'GLOBAL'}
    return set().union(*(REGIONS.get(token, {token}) for token in tokens))
