/** Segments of an SMS as networks count them, the same as tools/gsm.py and tools/smart_encoding.py: a test compares. */

const GSM_BASIC =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM_EXTENSION = new Set("\f^{}\\[~]|€");
const GSM = new Set([...GSM_BASIC, ...GSM_EXTENSION]);
const SIZES = { gsm: [160, 153], unicode: [70, 67] };

const TYPOGRAPHY = new Map();
for (const [characters, replacement] of [
    ["\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02b9\u02bb\u02bc\u00b4`", "'"],
    ["\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'],
    ["\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"],
    ["\u2026", "..."],
    ["\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "],
    ["\u2028\u2029", "\n"],
    ["\u00ad\u200b\u2060\ufeff", ""],
    ["\ufb00", "ff"],
    ["\ufb01", "fi"],
    ["\ufb02", "fl"],
    ["\ufb03", "ffi"],
    ["\ufb04", "ffl"],
    ["\ufb05\ufb06", "st"],
    ["œ", "oe"],
    ["Œ", "OE"],
    ["ĳ", "ij"],
    ["Ĳ", "IJ"],
]) {
    for (const char of characters) {
        TYPOGRAPHY.set(char, replacement);
    }
}
const SHAPING = /[\u200c-\u200f]/g;
// what Python's str.strip() removes, which is not what trim() removes
const SPACES = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACES}|${SPACES}$`, "g");

export function isGsm(text) {
    return [...text].every((char) => GSM.has(char));
}

/** The characters that make a text Unicode, each once. */
export function findUnicode(text) {
    return [...new Set(text.replace(AROUND, ""))].filter((char) => !GSM.has(char));
}

/** The size of a text: its encoding, septets or UTF-16 code units, segments, and what so many segments hold. */
export function countSegments(text) {
    const sent = text.replace(AROUND, "");
    const encoding = isGsm(sent) ? "gsm" : "unicode";
    const [single, each] = SIZES[encoding];
    let characters = 0;
    let count = 1;
    let used = 0;
    for (const char of sent) {
        const width = encoding === "unicode" ? char.length : GSM_EXTENSION.has(char) ? 2 : 1;
        characters += width;
        used += width;
        if (used > each) {
            // a pair is never split between two segments
            count += 1;
            used = width;
        }
    }
    if (characters <= single) {
        return { encoding, characters, count: Math.min(characters, 1), room: single };
    }
    return { encoding, characters, count, room: count * each };
}

/** Replace typography that GSM 03.38 lacks; letters keep their accents. */
export function replaceTypography(text) {
    const replaced = [...text.normalize("NFC")].map((char) => TYPOGRAPHY.get(char) ?? char).join("");
    const shaped = replaced.replace(SHAPING, "");
    return isGsm(shaped) ? shaped : replaced;
}
