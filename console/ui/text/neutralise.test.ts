import t from 'tap';
import fc from 'fast-check';
import { decode, fromBase64, hexLines, neutral, pieces } from './neutralise.js';

t.test('what would hide or reorder text is shown by name', async (t) => {
  t.equal(neutral('a\u202egnp.exe'), 'a⟨U+202E⟩gnp.exe');
  t.equal(neutral('x\u200by\ufeff'), 'x⟨U+200B⟩y⟨U+FEFF⟩');
  t.equal(neutral('\u{e0041}'), '⟨U+E0041⟩');
  t.equal(neutral('\0\x1b[31m\r\n\x7f'), '⟨NUL⟩⟨ESC⟩[31m⟨CR⟩⟨LF⟩⟨DEL⟩');
  t.equal(neutral('a\n\tb', true), 'a\n\tb');
  t.equal(neutral('a\r\n\rb', true), 'a¬\n⟨CR⟩b');
  t.equal(neutral(`Z${'\u0301'.repeat(6)}e\u0301`), `Z${'\u0301'.repeat(4)}⟨U+0301⟩⟨U+0301⟩e\u0301`, 'no pile of marks');
  t.equal(neutral('政务外网 <script>'), '政务外网 <script>');
});

t.test('marks in bytes follow their characters', async (t) => {
  const bytes = new TextEncoder().encode('id=政\' or 1');
  const { text, marks } = decode(bytes, [[3, 7]]);
  t.equal(text, "id=政' or 1");
  t.strictSame(marks, [[3, 5]]);
  t.strictSame(pieces(text, marks).map((p) => [p.text, p.marked]), [['id=', false], ["政'", true], [' or 1', false]]);
});

t.test('bytes that are not UTF-8 stay visible, one by one', async (t) => {
  t.equal(decode(Uint8Array.of(0x41, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80)).text, 'A\\xff\\xc0\\x80\\xed\\xa0\\x80');
  t.strictSame(fromBase64('!!'), new Uint8Array(0));
  t.equal(hexLines(Uint8Array.of(0x3c, 0x00), [[0, 1]])[0].cells[0].marked, true);
});

t.test('no bytes and no marks break it, and nothing invisible comes out', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.tuple(fc.integer(), fc.integer()), { maxLength: 4 }), (bytes, marks) => {
    const d = decode(bytes, marks);
    const shown = pieces(d.text, d.marks).map((p) => p.text).join('');
    return !/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u.test(shown);
  }));
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (s) => !/[\u202a-\u202e\u2066-\u2069\u200b]/u.test(neutral(s))));
});
