-- One row per staff member of the year: a person with an employment or a school assignment in it.
-- Reads: employment_scope, assignment_scope.
SELECT personID FROM employment_scope
UNION
SELECT personID FROM assignment_scope
