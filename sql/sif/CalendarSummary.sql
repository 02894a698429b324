-- One row per calendar in scope.
-- Reads: Calendar, calendar_scope, Day, GradeLevel, grade_level.
-- Rules: days in session are the dates with instruction in any structure of the calendar.
WITH days AS (
    SELECT
        calendarID,
        count(DISTINCT date) AS days,
        min(date) AS first_date,
        max(date) AS last_date
    FROM Day
    WHERE instruction
    GROUP BY calendarID
),
grades AS (
    SELECT
        g.calendarID,
        array_sort(array_agg(DISTINCT named_struct('Code', x.sif))) AS levels
    FROM GradeLevel g
    JOIN grade_level x ON x.code = lpad(
        coalesce(nullif(trim(g.stateGrade), ''), trim(g.name)),
        greatest(2, character_length(coalesce(nullif(trim(g.stateGrade), ''), trim(g.name)))), '0')
    WHERE g.excludeEnrollment IS NOT TRUE AND g.stateExclude IS NOT TRUE
    GROUP BY g.calendarID
)
SELECT
    ref_id('CalendarSummary', c.calendarID) AS RefId,
    ref_id('SchoolInfo', s.schoolID) AS SchoolInfoRefId,
    s.school_year AS SchoolYear,
    CAST(c.calendarID AS VARCHAR) AS LocalId,
    nullif(trim(c.name), '') AS Description,
    coalesce(d.days, 0) AS DaysInSession,
    c.startDate AS StartDate,
    c.endDate AS EndDate,
    d.first_date AS FirstInstructionDate,
    d.last_date AS LastInstructionDate,
    c.studentDay AS MinutesPerDay,
    g.levels AS GradeLevels,
    'Calendar' AS _source_table,
    CAST(c.calendarID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    s.orphan AS _reject
FROM Calendar c
JOIN calendar_scope s ON s.calendarID = c.calendarID
LEFT JOIN days d ON d.calendarID = c.calendarID
LEFT JOIN grades g ON g.calendarID = c.calendarID
WHERE s.in_scope
