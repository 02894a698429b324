-- One row per assignment of a staff member to a school in scope.
-- Reads: assignment_scope, Person, and the crosswalk job_function.
-- Rules: the assignment that began first is the primary one.
WITH ranked AS (
    SELECT
        assignmentID,
        row_number() OVER (PARTITION BY personID ORDER BY startDate, assignmentID) AS place
    FROM assignment_scope
)
SELECT
    ref_id('StaffAssignment', a.assignmentID) AS RefId,
    ref_id('SchoolInfo', a.schoolID) AS SchoolInfoRefId,
    a.school_year AS SchoolYear,
    ref_id('StaffPersonal', a.personID) AS StaffPersonalRefId,
    a.title AS Description,
    CASE WHEN k.place = 1 THEN 'Yes' ELSE 'No' END AS PrimaryAssignment,
    a.startDate AS JobStartDate,
    a.endDate AS JobEndDate,
    CASE WHEN x.sif IS NOT NULL THEN named_struct('Code', x.sif) END AS JobFunction,
    'EmploymentAssignment' AS _source_table,
    CAST(a.assignmentID AS VARCHAR) AS _source_key,
    a.schoolID AS _school_id,
    a.personID AS _person_id,
    CASE
        WHEN a.orphan IS NOT NULL THEN a.orphan
        WHEN p.personID IS NULL
            THEN concat('orphan_row: EmploymentAssignment.personID=', a.personID)
    END AS _reject,
    unmapped('job_function', a.type, x.sif) AS _unmapped
FROM assignment_scope a
LEFT JOIN ranked k ON k.assignmentID = a.assignmentID
LEFT JOIN Person p ON p.personID = a.personID
LEFT JOIN xwalk_job_function x ON x.code = a.type
