-- One row per assignment to a school in scope that overlaps the school year.
-- Reads: assignment_scope, person_id, and the crosswalk staff_classification.
-- Rules: the title is not sent, so assignments that differ in nothing else are one object.
SELECT
    a.startDate AS beginDate,
    named_struct('educationOrganizationId', a.edfi_school_id) AS educationOrganizationReference,
    a.endDate AS endDate,
    x.descriptor AS staffClassificationDescriptor,
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
    END AS _reject,
    unmapped('staff_classification', a.type, x.descriptor)
        AS _unmapped
FROM assignment_scope a
LEFT JOIN person_id i ON i.personID = a.personID
LEFT JOIN xwalk_staff_classification x ON x.code = a.type
WHERE a.in_scope
