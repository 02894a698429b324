-- One row per schedule structure, with the grades that are taught in it.
-- Reads: ScheduleStructure, GradeLevel, structure_scope.
WITH taught AS (
    SELECT
        structureID,
        array_sort(array_agg(named_struct(
            'name', trim(name), 'seq', seq, 'stateGrade', trim(stateGrade)
        ))) AS grades
    FROM GradeLevel
    WHERE stateExclude IS NOT TRUE
    GROUP BY structureID
)
SELECT
    named_struct('calendarID', st.calendarID) AS calendar,
    t.grades,
    trim(st.name) AS name,
    st.structureID,
    'ScheduleStructure' AS _source_table,
    CAST(st.structureID AS VARCHAR) AS _source_key,
    sc.schoolID AS _school_id,
    sc.orphan AS _reject
FROM ScheduleStructure st
JOIN structure_scope sc ON sc.structureID = st.structureID
LEFT JOIN taught t ON t.structureID = st.structureID
WHERE sc.in_scope
