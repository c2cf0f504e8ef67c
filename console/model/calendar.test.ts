import fc from 'fast-check';
import t from 'tap';
import { DEFAULT_SETTINGS, afterWorking, dueFrom, numbering } from './calendar.js';

const HOUR = 3_600_000;
const calendar = { ...DEFAULT_SETTINGS.calendar, holidays: ['2019-10-01', '2019-10-02', '2019-10-03', '2019-10-04', '2019-10-07'], workdays: ['2019-09-29', '2019-10-12'] };
const china = (text: string): number => Date.parse(`${text}+08:00`);

t.test('deadlines over the National Day week of 2019', (t) => {
  t.equal(afterWorking(china('2019-09-30T16:00:00'), 2 * HOUR, calendar), china('2019-10-08T10:00:00'), 'Monday afternoon to Tuesday of the week after');
  t.equal(afterWorking(china('2019-09-27T16:00:00'), 2 * HOUR, calendar), china('2019-09-29T10:00:00'), 'that Sunday was worked');
  t.equal(afterWorking(china('2019-10-09T03:00:00'), HOUR, calendar), china('2019-10-09T10:00:00'), 'at night the clock stands');
  const settings = { ...DEFAULT_SETTINGS, calendar, workingTime: { ...DEFAULT_SETTINGS.workingTime, 3: true } };
  t.equal(dueFrom(china('2019-09-30T12:00:00'), 3, settings).contain, china('2019-10-08T12:00:00'), 'a day is a working day');
  t.equal(dueFrom(china('2019-09-30T12:00:00'), 1, settings).acknowledge, china('2019-09-30T12:15:00'), 'the worst level runs day and night');
  t.equal(numbering({ ...DEFAULT_SETTINGS, number: '鄂网安通〔{year}〕{month}-{seq:3}号', series: 'month' }, china('2020-01-01T00:30:00'), 2, '武汉市').number(7), '鄂网安通〔2020〕01-007号', 'the year is the local one');
  t.end();
});

t.test('working time never runs backwards, and a calendar without work does not hang', (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), fc.nat(500 * HOUR), fc.nat(500 * HOUR), (from, a, b) => {
    const [one, both] = [afterWorking(from, a, calendar), afterWorking(from, a + b, calendar)];
    return one >= from + a && both >= one;
  }));
  const never = { ...calendar, weekdays: [1], holidays: [], from: 600, to: 600 };
  t.equal(afterWorking(0, HOUR, never), HOUR);
  t.end();
});
