-- One row per school in scope and grade that it teaches, with the SIF code.
-- Reads: GradeLevel, calendar_scope, grade_level.
-- Rules: the state's code of the grade, else its own; grades that are excluded from enrollment are
-- left out.
WITH taught AS (
    SELECT
        c.schoolID,
        coalesce(nullif(trim(g.stateGrade), ''), trim(g.name)) AS grade
    FROM GradeLevel g
    JOIN calendar_scope c ON c.calendarID = g.calendarID
    WHERE c.in_scope AND g.excludeEnrollment IS NOT TRUE AND g.stateExclude IS NOT TRUE
)
SELECT DISTINCT t.schoolID, t.grade, x.sif
FROM taught t
LEFT JOIN grade_level x ON x.code = lpad(t.grade, greatest(2, character_length(t.grade)), '0')
