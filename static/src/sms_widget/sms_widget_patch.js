import { SmsWidget } from "@sms/components/sms_widget/fields_sms_widget";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";
import { countSegments, findUnicode, isGsm, replaceTypography } from "./segments";

const MAX_SHOWN = 4; // characters that make a text Unicode; a text with more that cannot be replaced is in another script

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
    get writtenText() {
        return this.props.record.data[this.props.name] || "";
    },
    get countedText() {
        return this._getValueForSmsCounts(this.writtenText);
    },
    get nbrChar() {
        if (!areGatewaysUsed()) {
            return super.nbrChar;
        }
        // other addons add to core's number: only the part of the text itself is replaced
        const text = this.countedText;
        const lineBreaks = (text.match(/\n/g) || []).length;
        return super.nbrChar - text.length - lineBreaks + countSegments(text).characters;
    },
    get nbrSMS() {
        return areGatewaysUsed() ? this.countWithAddition(this.countedText).count : super.nbrSMS;
    },
    get nbrRoom() {
        return areGatewaysUsed() ? this.countWithAddition(this.countedText).room : 160 * this.nbrSMS;
    },
    _extractEncoding(content) {
        if (!areGatewaysUsed()) {
            return super._extractEncoding(...arguments);
        }
        return countSegments(String(content)).encoding === "gsm" ? "GSM7" : "UNICODE";
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
        await this.props.record.update({ [this.props.name]: replaceTypography(this.writtenText) });
    },
});
