import { onMounted, onPatched } from "@odoo/owl";
import { CodeEditor } from "@web/core/code_editor/code_editor";
import { registry } from "@web/core/registry";
import { useDebounced } from "@web/core/utils/timing";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { AceField, aceField } from "@web/views/fields/ace/ace_field";
import { formatText } from "@web/views/fields/formatters";
import { findJsonMistake } from "./json_template";

const TYPING_PAUSE = 400; // ms

/** Core's code editor with the mode JSON, which its props do not allow. Marks the first mistake. */
export class JsonTemplateEditor extends CodeEditor {
    static props = { ...CodeEditor.props, mode: { type: String, optional: true } };

    setup() {
        super.setup();
        onMounted(() => {
            this.aceEditor.on("change", () => this.markMistake());
            this.markMistake();
        });
        onPatched(() => this.markMistake());
    }

    markMistake() {
        const mistake = findJsonMistake(this.aceEditor.getValue());
        const annotations = mistake ? [{ ...mistake, type: "error" }] : [];
        this.aceEditor.getSession().setAnnotations(annotations);
    }
}

/** A JSON body with placeholders. Updates the record, and thus the preview, after a pause in typing. */
export class JsonTemplateField extends AceField {
    static components = { CodeEditor: JsonTemplateEditor };

    setup() {
        super.setup();
        this.commitSoon = useDebounced(() => this.commitChanges(), TYPING_PAUSE, { execBeforeUnmount: true });
        useRecordObserver((record) => {
            // The value of our own commit may be older than what the user has entered since.
            if (formatText(record.data[this.props.name]) === this.committedValue) {
                this.state.initialValue = this.editedValue;
            }
        });
    }

    handleChange(editedValue) {
        this.isDirty = true;
        this.editedValue = editedValue;
        this.props.record.model.bus.trigger("FIELD_IS_DIRTY", true);
        this.commitSoon();
    }

    async commitChanges() {
        if (this.props.readonly || !this.isDirty) {
            return;
        }
        this.isDirty = false;
        this.committedValue = this.editedValue;
        await this.props.record.update({ [this.props.name]: this.editedValue });
        this.props.record.model.bus.trigger("FIELD_IS_DIRTY", this.isDirty);
    }
}

registry.category("fields").add("sms_gateway_json", {
    ...aceField,
    component: JsonTemplateField,
    additionalClasses: ["o_sms_gateway_json"],
    extractProps: () => ({ mode: "json" }),
});
