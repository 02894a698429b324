-- One row per staff member and school in scope with an assignment that overlaps the school year.
-- Reads: assignment_scope, person_id, fixed.
-- Rules: several assignments of a person at a school are one; the lowest assignmentID names the
-- source.
WITH pair AS (
    SELECT personID, schoolID, edfi_school_id, orphan, min(assignmentID) AS assignmentID
    FROM assignment_scope
    WHERE in_scope
    GROUP BY personID, schoolID, edfi_school_id, orphan
)
SELECT
    f.program_assignment AS programAssignmentDescriptor,
    named_struct('schoolId', a.edfi_school_id) AS schoolReference,
    named_struct('staffUniqueId', i.staff_unique_id) AS staffReference,
    'EmploymentAssignment' AS _source_table,
    CAST(a.assignmentID AS VARCHAR) AS _source_key,
    a.schoolID AS _school_id,
    a.personID AS _person_id,
    CASE WHEN i.personID IS NOT NULL AND i.staff_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN i.personID IS NULL
            THEN concat('orphan_row: EmploymentAssignment.personID=', a.personID)
        ELSE a.orphan
    END AS _reject
FROM fixed f
CROSS JOIN pair a
LEFT JOIN person_id i ON i.personID = a.personID
