import fc from 'fast-check';
import t from 'tap';
import { DistinctSketch, personalData } from './personal-data.js';

const scan = (text: string) => {
  const bytes = Buffer.from(`  ${text}  `);
  return personalData(new Uint8Array(bytes), 0, bytes.length);
};

t.test('identity numbers need a region, a date and their check digit (GB 11643-1999)', (t) => {
  // 11010519491231002X and 440524188001010014 are the examples of the standard.
  t.match(scan('"id":"11010519491231002X"'), { id_cards: 1, mobiles: 0, bank_cards: 0 });
  t.equal(scan('440524188001010014'), undefined, 'born before 1900');
  t.equal(scan('110105194912310021'), undefined, 'wrong check digit');
  t.equal(scan('990105194912310026'), undefined, 'no such region');
  t.match(scan('11010519491231002X,11010519491231002x;11010519491231002X'), { id_cards: 1 }, 'counted once');
  t.end();
});

t.test('mobile numbers and bank cards stand alone', (t) => {
  t.match(scan('tel 13912345678.'), { mobiles: 1 });
  t.equal(scan('x13912345678'), undefined, 'part of a token');
  t.equal(scan('139123456789'), undefined, 'twelve digits');
  t.equal(scan('13800000000'), undefined, 'an example');
  t.match(scan('6228480402564890018'), { bank_cards: 1 });
  t.equal(scan('6228480402564890019'), undefined, 'Luhn');
  t.end();
});

t.test('wherever a number lies it is found; noise never throws', (t) => {
  fc.assert(fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 60 }), (before, after) => {
    const found = scan(`${before.replace(/[\w.-]/g, ' ')} 11010519491231002X ${after.replace(/[\w.-]/g, ' ')}`);
    return found?.id_cards === 1;
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    personalData(bytes, 0, bytes.length);
    return true;
  }));
  t.end();
});

t.test('sketches count distinct values together', (t) => {
  const all = new DistinctSketch();
  for (let page = 0; page < 20; page++) {
    const { sketch } = scan(Array.from({ length: 20 }, (_, i) => `139${String(12345678 + ((page % 10) * 20 + i) * 7919).slice(0, 8)}`).join(' ')) ?? {};
    all.add(sketch!);
  }
  t.ok(Math.abs(all.count - 200) < 50, `${all.count} of 200`);
  t.end();
});
