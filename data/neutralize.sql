-- gateways send nothing and receive nothing
UPDATE sms_gateway
   SET state = 'disabled',
       delivery_callback_enabled = false,
       delivery_callback_token = 'neutralized-' || id || '-' || gen_random_uuid(),
       delivery_callback_old_token = NULL,
       inbound_enabled = false,
       inbound_token = 'neutralized-' || id || '-' || gen_random_uuid(),
       inbound_old_token = NULL,
       delivery_callback_check_key = NULL,
       delivery_callback_check_old_key = NULL,
       delivery_callback_check_username = NULL,
       delivery_callback_check_password = NULL,
       api_key = NULL,
       token = NULL,
       username = NULL,
       password = NULL;

-- Credentials entered outside of their fields. Placeholders, short numbers and constants of provider APIs are kept; any
-- other literal may be a secret. The functions are gone with the session.
CREATE OR REPLACE FUNCTION pg_temp.eis_placeholder() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '\{(?:phones?|message(?:_hex)?|api_key|token|username|password|sender|account_id|uuid(?:20)?|callback_url'
           '|encoding|validity_(?:seconds|minutes)|valid_until|dlt_(?:entity|template)_id|message_type|message_ids?)\}'
           '|__(?:each|phone|phones_list|message|api_key|token|username|password|sender|uuid|callback_url|encoding'
           '|validity_(?:seconds|minutes)|dlt_(?:entity|template)_id|message_type)__'
$$;
CREATE OR REPLACE FUNCTION pg_temp.eis_constant() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '(?:[0-9]{1,9}|%[a-z]|[hms]|'
           'accept|accepted|accesskey|all|any|api|apikey|app|application|ascii|async|auto|basic|'
           'batch|bearer|binary|body|bulk|callback|channel|charset|code|coding|content|country|data|'
           'default|delivery|direct|dlr|en|encoding|error|fallback|false|flash|form|format|from|full|'
           'generic|get|gsm|gsm7|hex|high|html|http|https|id|immediate|in|int|international|iso|'
           'json|key|lang|language|latin|latin1|list|local|long|low|message|messages|method|mode|'
           'msg|multipart|name|national|no|none|normal|null|number|odoo|of|off|on|otp|'
           'per_recipient|phone|plain|post|premium|priority|promotional|put|q|quick|receiver|'
           'recipient|reference|reply|report|request|response|result|route|sandbox|send|sender|short|'
           'sms|smstext|source|standard|state|status|subject|sync|test|text|time|to|token|'
           'transactional|true|txn|type|ucs|ucs2|unicode|url|urlencoded|us|utf|utf16|utf8|uuid|'
           'version|webhook|www|x|xml|yes'
           ')'
$$;
CREATE OR REPLACE FUNCTION pg_temp.eis_separator() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '[] :=&?/;,.+_|<>(){}@#"[-]'
$$;
-- whether what has this name is for credentials
CREATE OR REPLACE FUNCTION pg_temp.eis_is_secret(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(name, '') ~* (
        'auth|pass|pwd|psw|secret|token|key|sign|hash|hmac|digest|pin|login|user|usr|uid|client|cookie|session|jwt|cred'
        '|private|salt|licen[cs]e|access|security|senha|clave|parola|^(?:pw|mdp|sig|ak|sk)$')
$$;
-- a literal, or what is between two placeholders
CREATE OR REPLACE FUNCTION pg_temp.eis_literal(literal text, is_secret boolean) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN literal ~* CASE
               WHEN is_secret THEN '^(?:(?:accesskey|apikey|app|basic|bearer|key|token)[ :=]{1,2}|[:,&= ]{0,2})$'
               ELSE format('^%2$s{0,3}(?:%1$s(?:%2$s{1,3}%1$s)*)?%2$s{0,3}$',
                           pg_temp.eis_constant(), pg_temp.eis_separator())
           END THEN literal ELSE 'neutralized' END
$$;
CREATE OR REPLACE FUNCTION pg_temp.eis_value(value text, is_secret boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(coalesce(part[1], pg_temp.eis_literal(part[2], is_secret)), '' ORDER BY position), value)
      FROM regexp_matches(value, format('(%1$s)|((?:(?!%1$s).)+)', pg_temp.eis_placeholder()), 'g')
           WITH ORDINALITY AS found(part, position)
$$;
-- every text of a JSON Body Template that is no key, and numbers that are long or have the name of a credential; all of
-- what is no JSON
CREATE OR REPLACE FUNCTION pg_temp.eis_json(template text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN bool_or(regexp_replace(
               part[4], format('%1$s|true|false|null|[][{}:,[:space:]]', pg_temp.eis_placeholder()), '', 'g') != '')
           THEN '"neutralized"' ELSE coalesce(string_agg(CASE
               WHEN part[2] IS NOT NULL
                   THEN '"' || pg_temp.eis_value(
                       substr(part[2], 2, length(part[2]) - 2), pg_temp.eis_is_secret(key)) || '"'
               WHEN part[3] IS NOT NULL AND (pg_temp.eis_is_secret(key) OR length(part[3]) > 9)
                   THEN '"neutralized"'
               ELSE coalesce(part[1], part[3], part[4])
           END, '' ORDER BY position), template) END
      FROM (SELECT part, position, max(part[1]) OVER (PARTITION BY keys) AS key
              FROM (SELECT part, position, count(part[1]) OVER (ORDER BY position) AS keys
                      FROM regexp_matches(
                               template,
                               '("(?:[^"\\]|\\.)*"\s*:)|("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)|([^"0-9-]+|["-])',
                               'g')
                           WITH ORDINALITY AS found(part, position)) AS counted) AS keyed
$$;
-- a segment of a path: words and versions are kept
CREATE OR REPLACE FUNCTION pg_temp.eis_segment(segment text, previous text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN literal ~ '^[0-9]{10,}$|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{16,}'
          OR literal ~ '[0-9]{5}:.{4}|:(?=.*[0-9]).{6}'
          OR literal ~ '(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}'
          OR literal ~ '(?:[A-Z][a-z](?=[A-Z]).*){3}'
          OR regexp_replace(literal, '\y(?:[A-Za-z]+[24][A-Za-z]+|[vV][0-9]+[A-Za-z]+[0-9]*)\y', '', 'g')
             ~ '(?:^|[^A-Za-z0-9])(?=[A-Za-z0-9]{5})[A-Za-z0-9]*(?:[A-Za-z][0-9]+[A-Za-z]|[0-9][A-Za-z]+[0-9])'
          OR (literal ~ '[0-9]' AND length(literal) > 3 AND pg_temp.eis_is_secret(previous))
        THEN pg_temp.eis_value(segment, true)
        ELSE segment END
      FROM (SELECT regexp_replace(replace(
                       regexp_replace(segment, pg_temp.eis_placeholder(), '', 'g'), '_', '-'), '%3a', ':', 'gi')
                   AS literal) AS filled_in
$$;
CREATE OR REPLACE FUNCTION pg_temp.eis_path(path text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(pg_temp.eis_segment(segment, previous), '/' ORDER BY position)
      FROM (SELECT segment, position, lag(segment) OVER (ORDER BY position) AS previous
              FROM regexp_split_to_table(path, '/') WITH ORDINALITY AS split(segment, position)) AS segments
$$;
CREATE OR REPLACE FUNCTION pg_temp.eis_query(query text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(
               CASE WHEN field LIKE '%=%'
                   THEN split_part(field, '=', 1) || '=' || pg_temp.eis_value(
                       substr(field, strpos(field, '=') + 1), pg_temp.eis_is_secret(split_part(field, '=', 1)))
                   ELSE pg_temp.eis_value(field, false)
               END, '&' ORDER BY position)
      FROM regexp_split_to_table(query, '&') WITH ORDINALITY AS split(field, position)
$$;
CREATE OR REPLACE FUNCTION pg_temp.eis_url(url text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT concat(
               part[1],
               CASE WHEN regexp_replace(part[2], pg_temp.eis_placeholder(), '', 'g') IN ('', ':')
                   THEN part[2] || '@' END,
               part[3], pg_temp.eis_path(part[4]), '?' || pg_temp.eis_query(part[5]))
      FROM (SELECT regexp_match(url, '^(\s*\w+://)?(?:([^/?#]*)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?') AS part) AS split
$$;

UPDATE sms_gateway_header
   SET value = pg_temp.eis_value(value, pg_temp.eis_is_secret(key));
UPDATE sms_gateway_parameter
   SET value = pg_temp.eis_value(value, param_type = 'auth' OR pg_temp.eis_is_secret(key));
UPDATE sms_gateway
   SET body_template = pg_temp.eis_json(body_template),
       base_url = pg_temp.eis_url(base_url);
UPDATE sms_gateway_query
   SET url = pg_temp.eis_url(url),
       body = CASE WHEN body ~ '^\s*[[{]' THEN pg_temp.eis_json(body) ELSE pg_temp.eis_query(body) END;
-- defaults of users for these fields
DELETE FROM ir_default
 WHERE field_id IN (
       SELECT id FROM ir_model_fields WHERE model IN (
           'sms.gateway', 'sms.gateway.header', 'sms.gateway.parameter', 'sms.gateway.query'));

-- nothing goes to Odoo's paid service in their place
DELETE FROM ir_config_parameter
 WHERE key = 'sms.iap_fallback';

-- the original's monitoring URL does not work for the copy
DELETE FROM ir_config_parameter
 WHERE key = 'eis_sms_apis.health_token';
