import { Component, onMounted, useRef } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { Field } from "@web/views/fields/field";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECRETS = ["api_key", "token", "username", "password"];
const NAMES = [...SECRETS, "sender", "account_id", "connect_host"];
const MAX_PATTERN = 200; // characters; the pattern of an imported gateway is not trusted

/** What a provider asks for, with its own labels, in its order. Says at once what has the wrong shape. */
export class SmsGatewayCredentials extends Component {
    static template = "eis_sms_apis.Credentials";
    static components = { Field };
    static props = { ...standardWidgetProps };

    setup() {
        this.root = useRef("root");
        onMounted(() => {
            if (this.root.el?.closest(".modal")) {
                const inputs = [...this.root.el.querySelectorAll("input")];
                (inputs.find((input) => !input.value) || inputs[0])?.focus();
            }
        });
    }

    get spec() {
        return this.props.record.data.connect_spec || { fields: [], console: "" };
    }

    getFieldProps(row) {
        return {
            name: row.name,
            record: this.props.record,
            readonly: this.props.readonly,
            id: this.getId(row),
            placeholder: row.placeholder,
            ...(SECRETS.includes(row.name) ? { isPassword: true, autocomplete: "new-password" } : {}),
        };
    }

    getId(row) {
        return `sms_gateway_${row.name}_${this.props.record.id}`;
    }

    hasWrongShape(row) {
        const value = this.props.record.data[row.name];
        if (!value || !row.pattern || row.pattern.length > MAX_PATTERN) {
            return false;
        }
        try {
            return !new RegExp(row.pattern).test(value);
        } catch {
            return false; // not a pattern of this language
        }
    }
}

registry.category("view_widgets").add("sms_gateway_credentials", {
    component: SmsGatewayCredentials,
    fieldDependencies: [
        ...NAMES.map((name) => ({ name, type: "char", readonly: false })),
        { name: "connect_spec", type: "json", readonly: true },
    ],
});
