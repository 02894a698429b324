-- One row per assignment to a school that overlaps the school year.
-- Reads: EmploymentAssignment, School, school_year_span.
SELECT
    trim(a.assignmentCode) AS assignmentCode,
    a.assignmentID,
    a.endDate,
    named_struct('personID', a.personID) AS person,
    named_struct('schoolID', a.schoolID) AS school,
    a.startDate,
    a.teacher,
    trim(a.title) AS title,
    trim(a.type) AS type,
    'EmploymentAssignment' AS _source_table,
    CAST(a.assignmentID AS VARCHAR) AS _source_key,
    a.schoolID AS _school_id,
    a.personID AS _person_id,
    CASE
        WHEN s.schoolID IS NULL
            THEN concat('orphan_row: EmploymentAssignment.schoolID=', a.schoolID)
    END AS _reject
FROM school_year_span y
CROSS JOIN EmploymentAssignment a
LEFT JOIN School s ON s.schoolID = a.schoolID
WHERE a.exclude IS NOT TRUE
    AND s.exclude IS NOT TRUE
    AND (a.startDate IS NULL OR a.startDate <= y.year_end)
    AND (a.endDate IS NULL OR a.endDate >= y.year_start)
