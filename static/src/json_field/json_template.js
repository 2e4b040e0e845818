const STRING_OR_TOKEN = /"(?:[^"\\]|\\.)*"|__[a-z_]+?__/gs;

/**
 * Finds the first mistake in a JSON Body Template.
 *
 * An unquoted token such as `__phone__` is read as if it were quoted, as on the server. It is replaced by a string of the
 * same length to keep positions.
 *
 * @param {string} template
 * @returns {{row: number, column: number, text: string}|null} both counted from 0; null if there is none
 */
export function findJsonMistake(template) {
    if (!template.trim()) {
        return null;
    }
    const json = template.replace(STRING_OR_TOKEN, (found) =>
        found.startsWith('"') ? found : `"${"_".repeat(found.length - 2)}"`
    );
    try {
        JSON.parse(json);
        return null;
    } catch (error) {
        return { ...locate(error.message, json), text: describe(error.message) };
    }
}

/** Browsers report a position, a line and column, or nothing at an unexpected end of input. */
function locate(message, json) {
    const lineColumn = message.match(/line (\d+) column (\d+)/);
    if (lineColumn) {
        return { row: Number(lineColumn[1]) - 1, column: Number(lineColumn[2]) - 1 };
    }
    const position = message.match(/position (\d+)/);
    const lines = json.slice(0, position ? Number(position[1]) : json.trimEnd().length).split("\n");
    return { row: lines.length - 1, column: lines.at(-1).length };
}

function describe(message) {
    return message.replace(/^JSON\.parse: /, "").replace(/ (in JSON )?at (position|line) .*$/s, "");
}
