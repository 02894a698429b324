-- One row per person who teaches a section in scope.
-- Reads: section_teacher, Person, and the crosswalk staff_role.
SELECT
    ref_id('StaffSectionAssignment', t.sectionID, t.personID) AS RefId,
    ref_id('StaffPersonal', t.personID) AS StaffPersonalRefId,
    ref_id('SectionInfo', t.sectionID) AS SectionInfoRefId,
    CASE WHEN t.startDate IS NOT NULL THEN
        to_char(t.startDate, '%Y-%m-%dT00:00:00')
    END AS AssignmentStartDate,
    CASE WHEN t.endDate IS NOT NULL THEN
        to_char(t.endDate, '%Y-%m-%dT23:59:59')
    END AS AssignmentEndDate,
    CASE WHEN t.staff_type = 'P' THEN 'Yes' ELSE 'No' END AS TeacherOfRecord,
    CASE WHEN x.sif IS NOT NULL THEN make_array(named_struct('value', x.sif)) END AS Roles,
    'SectionStaffHistory' AS _source_table,
    concat(t.sectionID, '/', t.trialID, '/', t.personID) AS _source_key,
    t.schoolID AS _school_id,
    t.personID AS _person_id,
    t.courseID AS _course_id,
    t.sectionID AS _section_id,
    CASE
        WHEN t.orphan IS NOT NULL THEN t.orphan
        WHEN p.personID IS NULL
            THEN concat('orphan_row: SectionStaffHistory.personID=', t.personID)
    END AS _reject,
    unmapped('staff_role', t.staff_type, x.sif) AS _unmapped
FROM section_teacher t
LEFT JOIN Person p ON p.personID = t.personID
LEFT JOIN xwalk_staff_role x ON x.code = t.staff_type
