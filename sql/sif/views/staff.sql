-- One row per staff member: assigned to a school in scope, or teaching a section in scope; in a run
-- of all schools also everyone employed in the school year.
-- Reads: assignment_scope, section_teacher, Employment, scope.
SELECT personID FROM assignment_scope
UNION
SELECT personID FROM section_teacher
UNION
SELECT e.personID
FROM scope y
CROSS JOIN Employment e
WHERE y.all_schools
    AND (e.startDate IS NULL OR e.startDate <= y.year_end)
    AND (e.endDate IS NULL OR e.endDate >= y.year_start)
