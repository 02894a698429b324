-- One row per structure in scope and grade that it teaches.
-- Reads: GradeLevel, structure_scope, grade_level.
-- Rules: the state's code of the grade; grades that are excluded from enrollment are left out.
SELECT
    g.structureID,
    st.schoolID,
    trim(g.stateGrade) AS grade,
    x.descriptor
FROM GradeLevel g
JOIN structure_scope st ON st.structureID = g.structureID
LEFT JOIN grade_level x
    ON x.code = lpad(trim(g.stateGrade), greatest(2, character_length(trim(g.stateGrade))), '0')
WHERE st.in_scope AND g.excludeEnrollment IS NOT TRUE
