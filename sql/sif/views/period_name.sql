-- One row per period: its name, the day pattern that it belongs to, when it begins, and how long it
-- is in minutes.
-- Reads: Period, PeriodSchedule.
SELECT
    p.periodID,
    p.seq,
    p.startTime,
    coalesce(
        p.periodMinutes,
        date_part('hour', p.endTime) * 60 + date_part('minute', p.endTime)
            - date_part('hour', p.startTime) * 60 - date_part('minute', p.startTime)
    ) AS minutes,
    trim(p.name) AS period_name,
    trim(ps.name) AS day_name
FROM Period p
LEFT JOIN PeriodSchedule ps ON ps.periodScheduleID = p.periodScheduleID
