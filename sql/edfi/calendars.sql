-- One row per schedule structure of a calendar in scope.
-- Reads: structure_scope, Calendar, school_grade, and the crosswalk calendar_type.
-- Rules: calendarCode as the view structure_scope says; a calendar without a type takes the
-- crosswalk's row (default).
WITH grade AS (
    SELECT
        structureID,
        array_sort(array_agg(named_struct('gradeLevelDescriptor', descriptor))
            FILTER (WHERE descriptor IS NOT NULL)) AS levels,
        min(CASE WHEN descriptor IS NULL THEN grade END) AS unmapped_grade
    FROM (SELECT DISTINCT structureID, grade, descriptor FROM school_grade)
    GROUP BY structureID
),
calendar AS (
    SELECT calendarID, coalesce(nullif(trim(type), ''), '(default)') AS type FROM Calendar
)
SELECT
    st.calendar_code AS calendarCode,
    t.descriptor AS calendarTypeDescriptor,
    g.levels AS gradeLevels,
    named_struct('schoolId', st.edfi_school_id) AS schoolReference,
    named_struct('schoolYear', st.school_year) AS schoolYearTypeReference,
    'ScheduleStructure' AS _source_table,
    CAST(st.structureID AS VARCHAR) AS _source_key,
    st.schoolID AS _school_id,
    st.orphan AS _reject,
    concat_ws('; ',
        unmapped('calendar_type', c.type, t.descriptor),
        unmapped('grade_level', g.unmapped_grade, NULL)
    ) AS _unmapped
FROM structure_scope st
LEFT JOIN calendar c ON c.calendarID = st.calendarID
LEFT JOIN xwalk_calendar_type t ON t.code = c.type
LEFT JOIN grade g ON g.structureID = st.structureID
WHERE st.in_scope
