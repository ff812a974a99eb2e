namespace Runnel.Workers.Recurring;

/// <summary>A cron expression of five fields (minute, hour, day of month, month, day of week), in UTC (ADR 5: no parser is held by the feed).</summary>
/// <remarks>
/// Each field takes <c>*</c>, numbers, ranges <c>a-b</c>, steps <c>/n</c> and lists; months and days of the week their English three letters too; Sunday
/// is 0 and 7. When both days are restricted, either fits (POSIX crontab).
/// </remarks>
internal sealed class CronSchedule : ISchedule
{
    private static readonly string[] Months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    private static readonly string[] Days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    private readonly bool[] _minutes, _hours, _daysOfMonth, _months, _daysOfWeek;
    private readonly bool _eitherDay;

    /// <exception cref="FormatException">The expression is not a cron expression; the message says what is wrong.</exception>
    public CronSchedule(string expression)
    {
        var fields = expression.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length != 5)
            throw new FormatException($"'{expression}' is not a cron expression: it has {fields.Length} fields instead of five: minute, hour, day of month, month, day of week.");
        _minutes = Parse(expression, fields[0], 0, 59);
        _hours = Parse(expression, fields[1], 0, 23);
        _daysOfMonth = Parse(expression, fields[2], 1, 31);
        _months = Parse(expression, fields[3], 1, 12, Months);
        _daysOfWeek = Parse(expression, fields[4], 0, 7, Days);
        _daysOfWeek[0] |= _daysOfWeek[7];
        _eitherDay = !fields[2].StartsWith('*') && !fields[4].StartsWith('*');
        if (NextAfter(DateTimeOffset.UnixEpoch) is null)
            throw new FormatException($"'{expression}' is not a cron expression: it names a day that never comes.");
    }

    public DateTimeOffset? NextAfter(DateTimeOffset time)
    {
        var utc = time.UtcDateTime;
        var at = new DateTimeOffset(utc.Year, utc.Month, utc.Day, utc.Hour, utc.Minute, 0, TimeSpan.Zero).AddMinutes(1);
        for (var end = at.AddYears(8); at < end;) // a leap day that is skipped at a century comes back within eight years
        {
            if (!_months[at.Month])
                at = new DateTimeOffset(at.Year, at.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
            else if (!IsDay(at))
                at = new DateTimeOffset(at.Year, at.Month, at.Day, 0, 0, 0, TimeSpan.Zero).AddDays(1);
            else if (!_hours[at.Hour])
                at = at.AddMinutes(60 - at.Minute);
            else if (!_minutes[at.Minute])
                at = at.AddMinutes(1);
            else
                return at;
        }
        return null;
    }

    private bool IsDay(DateTimeOffset at)
    {
        var (month, week) = (_daysOfMonth[at.Day], _daysOfWeek[(int)at.DayOfWeek]);
        return _eitherDay ? month || week : month && week;
    }

    private static bool[] Parse(string expression, string field, int lowest, int highest, string[]? names = null)
    {
        var fits = new bool[highest + 1];
        foreach (var part in field.Split(','))
        {
            var (range, step) = part.Split('/') switch
            {
                [var all] => (all, 1),
                [var some, var every] when int.TryParse(every, System.Globalization.NumberStyles.None, null, out var n) && n > 0 => (some, n),
                _ => throw Wrong(),
            };
            var (from, to) = range.Split('-') switch
            {
                ["*"] => (lowest, highest),
                [var one] => (Number(one), part.Contains('/', StringComparison.Ordinal) ? highest : Number(one)),
                [var first, var last] => (Number(first), Number(last)),
                _ => throw Wrong(),
            };
            if (from < lowest || to > highest || from > to)
                throw Wrong();
            for (var value = from; value <= to; value += step)
                fits[value] = true;
        }
        return fits;

        int Number(string text)
        {
            var name = Array.FindIndex(names ?? [], candidate => candidate.Equals(text, StringComparison.OrdinalIgnoreCase));
            if (name >= 0)
                return name + (names == Months ? 1 : 0);
            return int.TryParse(text, System.Globalization.NumberStyles.None, null, out var number) ? number : throw Wrong();
        }

        FormatException Wrong() => new($"'{expression}' is not a cron expression: '{field}' should be *, numbers from {lowest} to {highest}, ranges a-b, steps /n, or a list of those.");
    }
}
