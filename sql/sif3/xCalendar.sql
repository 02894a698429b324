-- One row per calendar in scope, with a session for each of its terms.
-- Reads: calendar_scope, ScheduleStructure, TermSchedule, Term.
-- Rules: what a session is follows from how many terms its schedule has (1 year, 2 semesters,
-- 3 trimesters, 4 quarters). Structures often repeat a calendar's terms: equal sessions are one.
WITH terms AS (
    SELECT
        st.calendarID,
        trim(t.name) AS name,
        t.startDate,
        t.endDate,
        count(*) OVER (PARTITION BY t.termScheduleID) AS terms
    FROM ScheduleStructure st
    JOIN TermSchedule ts ON ts.structureID = st.structureID
    JOIN Term t ON t.termScheduleID = ts.termScheduleID
    WHERE t.startDate IS NOT NULL
),
sessions AS (
    SELECT
        calendarID,
        array_sort(array_agg(DISTINCT named_struct(
            'startDate', startDate,
            'endDate', endDate,
            'sessionCode', name,
            'sessionType', CASE terms
                WHEN 1 THEN 'FullSchoolYear'
                WHEN 2 THEN 'Semester'
                WHEN 3 THEN 'Trimester'
                WHEN 4 THEN 'Quarter'
                ELSE 'Other'
            END
        ))) AS list
    FROM terms
    GROUP BY calendarID
)
SELECT
    ref_id('xCalendar', c.calendarID) AS refId,
    ref_id('xSchool', c.schoolID) AS schoolRefId,
    c.school_year AS schoolYear,
    s.list AS sessions,
    'Calendar' AS _source_table,
    CAST(c.calendarID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    c.orphan AS _reject
FROM calendar_scope c
LEFT JOIN sessions s ON s.calendarID = c.calendarID
WHERE c.in_scope
