-- One row per calendar of the school year.
-- Reads: Calendar, calendar_scope.
SELECT
    c.calendarID,
    c.endDate,
    c.endYear,
    c.halfDayAbsence,
    trim(c.name) AS name,
    trim(c.number) AS number,
    named_struct('schoolID', c.schoolID) AS school,
    c.sequence,
    c.startDate,
    c.studentDay,
    c.summerSchool,
    c.teacherDay,
    trim(c.type) AS type,
    c.wholeDayAbsence,
    'Calendar' AS _source_table,
    CAST(c.calendarID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    sc.orphan AS _reject
FROM Calendar c
JOIN calendar_scope sc ON sc.calendarID = c.calendarID
WHERE sc.in_scope
