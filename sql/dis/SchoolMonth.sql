-- One row per month of a calendar.
-- Reads: SchoolMonth, calendar_scope.
SELECT
    named_struct('calendarID', m.calendarID) AS calendar,
    m.days,
    m.endDate,
    trim(m.name) AS name,
    m.number,
    m.schoolMonthID,
    m.startDate,
    'SchoolMonth' AS _source_table,
    CAST(m.schoolMonthID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: SchoolMonth.calendarID=', m.calendarID)
        ELSE c.orphan
    END AS _reject
FROM SchoolMonth m
LEFT JOIN calendar_scope c ON c.calendarID = m.calendarID
WHERE c.in_scope IS NOT FALSE
