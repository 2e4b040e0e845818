-- gateways send nothing and listen to no delivery report
UPDATE sms_gateway
   SET state = 'disabled',
       delivery_callback_enabled = false,
       delivery_callback_token = 'neutralized-' || id || '-' || gen_random_uuid(),
       delivery_callback_check_key = NULL,
       delivery_callback_check_username = NULL,
       delivery_callback_check_password = NULL,
       api_key = NULL,
       token = NULL,
       username = NULL,
       password = NULL;

-- credentials that somebody typed elsewhere than into their fields: where no placeholder stands
UPDATE sms_gateway_header
   SET value = 'neutralized'
 WHERE value !~ '[{]'
   AND key ~* 'auth|pass|pwd|secret|token|key|signature';
UPDATE sms_gateway_parameter
   SET value = 'neutralized'
 WHERE value !~ '[{]'
   AND value != ''
   AND (param_type = 'auth' OR key ~* 'auth|pass|pwd|secret|token|key|signature');
UPDATE sms_gateway
   SET base_url = regexp_replace(
           regexp_replace(base_url, '(://)[^/?#@{]+@', '\1', 'g'),
           '([?&][^=&#{]*(?:auth|pass|pwd|secret|token|key|signature)[^=&#{]*=)[^{&#][^&#]*', '\1neutralized', 'gi'),
       body_template = regexp_replace(
           body_template,
           '("[^"]*(?:auth|pass|pwd|secret|token|key|signature)[^"]*"\s*:\s*)"[^"{_][^"{]*"', '\1"neutralized"', 'gi');

-- nothing goes to Odoo's paid service in their place
DELETE FROM ir_config_parameter
 WHERE key = 'sms.iap_fallback';
