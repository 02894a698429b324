-- One row per calendar in scope and date with a day row: a day of several structures is one date.
-- Reads: Day, DayEvent, calendar_scope, and the crosswalk calendar_event.
-- Rules: a day with instruction is INST, or MKUP with such an event; another day is what its event
-- says (the least code of several), or Other. A mapped event that leaves instruction on (a late
-- arrival) does not change the type.
WITH events AS (
    SELECT
        d.calendarID,
        d.date,
        min(x.sif) AS sif,
        bool_or(x.sif = 'MKUP') AS make_up,
        min(CASE WHEN x.sif IS NULL THEN trim(e.type) END) AS unmapped_code
    FROM Day d
    JOIN DayEvent e ON e.dayID = d.dayID
    LEFT JOIN xwalk_calendar_event x ON x.code = trim(e.type)
    GROUP BY d.calendarID, d.date
),
dates AS (
    SELECT
        calendarID,
        date,
        min(dayID) AS dayID,
        bool_or(instruction) AS instruction,
        bool_or(coalesce(attendance, instruction)) AS attendance
    FROM Day
    GROUP BY calendarID, date
)
SELECT
    ref_id('CalendarDate', d.calendarID, d.date) AS RefId,
    d.date AS Date,
    ref_id('CalendarSummary', d.calendarID) AS CalendarSummaryRefId,
    ref_id('SchoolInfo', c.schoolID) AS SchoolInfoRefId,
    c.school_year AS SchoolYear,
    named_struct('Code', CASE
        WHEN d.instruction AND e.make_up THEN 'MKUP'
        WHEN d.instruction THEN 'INST'
        ELSE coalesce(e.sif, '9999')
    END) AS CalendarDateType,
    named_struct(
        'AttendanceValue', CAST(CASE WHEN d.attendance THEN 1 ELSE 0 END AS DECIMAL(3, 1)),
        'CountsTowardAttendance', CASE WHEN d.attendance THEN 'Yes' ELSE 'No' END
    ) AS StudentAttendance,
    'Day' AS _source_table,
    CAST(d.dayID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Day.calendarID=', d.calendarID)
        ELSE c.orphan
    END AS _reject,
    CASE WHEN NOT d.instruction THEN unmapped('calendar_event', e.unmapped_code, NULL) END
        AS _unmapped
FROM dates d
LEFT JOIN calendar_scope c ON c.calendarID = d.calendarID
LEFT JOIN events e ON e.calendarID = d.calendarID AND e.date = d.date
WHERE c.in_scope IS NOT FALSE
