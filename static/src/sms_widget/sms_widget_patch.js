import { SmsWidget } from "@sms/components/sms_widget/fields_sms_widget";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";
import { countSegments, findUnicode, isGsm, replaceTypography } from "./segments";

// characters that make a text Unicode; a text with more that cannot be replaced is in another script
const MAX_SHOWN = 4;

function nameCharacter(char) {
    if (char === "\t") {
        return _t("tab");
    }
    if (/\s/.test(char) && char !== "\ufeff") {
        return _t("special space");
    }
    return /[\p{C}\p{M}]/u.test(char) ? _t("invisible character") : char;
}

/** While gateways send, count as networks do: Odoo's prices and its way of counting apply to IAP only. */
patch(SmsWidget.prototype, {
    get arePricesShown() {
        return !areGatewaysUsed();
    },
    get savedText() {
        return this.props.record.data[this.props.name] || "";
    },
    /** The text as it is being typed: the record has it only when the focus leaves. */
    get writtenText() {
        if (this.typed && this.typed.saved !== this.savedText) {
            this.typed = null;
        }
        return this.typed?.text ?? this.savedText;
    },
    get countedText() {
        return this._getValueForSmsCounts(this.writtenText);
    },
    get nbrChar() {
        if (!areGatewaysUsed()) {
            return super.nbrChar;
        }
        // other addons add to core's number: only the part of the text itself is replaced
        const saved = this._getValueForSmsCounts(this.savedText);
        const addition = super.nbrChar - saved.length - (saved.match(/\n/g) || []).length;
        return addition + countSegments(this.countedText).characters;
    },
    get nbrSMS() {
        return areGatewaysUsed() ? this.countWithAddition(this.countedText).count : super.nbrSMS;
    },
    get nbrRoom() {
        return areGatewaysUsed() ? this.countWithAddition(this.countedText).room : 160 * this.nbrSMS;
    },
    get encoding() {
        if (!areGatewaysUsed()) {
            return super.encoding;
        }
        return countSegments(this.countedText).encoding === "gsm" ? "GSM7" : "UNICODE";
    },
    onTyped(ev) {
        this.typed = { text: ev.target.value, saved: this.savedText };
        this.render();
    },
    /** Count a text together with what other addons append, an opt-out link for example. */
    countWithAddition(text) {
        const addition = this.nbrChar - countSegments(this.countedText).characters;
        return countSegments(text + "a".repeat(Math.max(addition, 0)));
    },
    /** What makes the text Unicode and what that costs, if it costs anything. */
    get unicodeCost() {
        const text = this.countedText;
        const found = areGatewaysUsed() ? findUnicode(text) : [];
        if (!found.length) {
            return null;
        }
        const replaced = replaceTypography(text);
        const isReplaceable = isGsm(replaced);
        if (!isReplaceable && found.length > MAX_SHOWN) {
            return null;
        }
        // each of the others as one letter, as the author may replace it
        const asGsm = isReplaceable ? replaced : [...replaced].map((char) => (isGsm(char) ? char : "a")).join("");
        const gsm = this.countWithAddition(asGsm).count;
        if (gsm >= this.nbrSMS) {
            return null;
        }
        const names = [...new Set(found.map(nameCharacter))];
        const characters = names.slice(0, MAX_SHOWN).join(" ");
        const values = { characters, more: names.length - MAX_SHOWN, count: this.nbrSMS, gsm };
        const sentence =
            names.length > MAX_SHOWN
                ? _t("%(characters)s and %(more)s more make this text Unicode: %(count)s segments instead of %(gsm)s", values)
                : names.length > 1
                  ? _t("%(characters)s make this text Unicode: %(count)s segments instead of %(gsm)s", values)
                  : _t("%(characters)s makes this text Unicode: %(count)s segments instead of %(gsm)s", values);
        return { sentence, isReplaceable: isReplaceable && !this.props.readonly };
    },
    async replaceUnicode() {
        await this.props.record.update({ [this.props.name]: replaceTypography(this.textareaRef.el.value) });
    },
});
