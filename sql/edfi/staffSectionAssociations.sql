-- One row per staff member of a section and session.
-- Reads: SectionStaffHistory, section_session, person_id, and the crosswalk
-- classroom_position.
-- Rules: rows of the section's own, active trial; dates are clipped to the session, and a row that
-- lies outside of it gives none.
SELECT
    greatest(h.startDate, s.begin_date) AS beginDate,
    x.descriptor AS classroomPositionDescriptor,
    least(h.endDate, s.end_date) AS endDate,
    named_struct(
        'localCourseCode', s.course_number,
        'schoolId', s.edfi_school_id,
        'schoolYear', s.school_year,
        'sectionIdentifier', s.section_identifier,
        'sessionName', s.session_name
    ) AS sectionReference,
    named_struct('staffUniqueId', i.staff_unique_id) AS staffReference,
    'SectionStaffHistory' AS _source_table,
    concat_ws('/', h.sectionID, h.trialID, h.personID, s.term_name) AS _source_key,
    s.schoolID AS _school_id,
    h.personID AS _person_id,
    s.courseID AS _course_id,
    h.sectionID AS _section_id,
    CASE WHEN i.personID IS NOT NULL AND i.staff_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN s.sectionID IS NULL
            THEN concat('orphan_row: SectionStaffHistory.sectionID=', h.sectionID)
        WHEN s.orphan IS NOT NULL THEN s.orphan
        WHEN i.personID IS NULL
            THEN concat('orphan_row: SectionStaffHistory.personID=', h.personID)
    END AS _reject,
    unmapped('classroom_position', trim(h.staffType), x.descriptor)
        AS _unmapped
FROM SectionStaffHistory h
LEFT JOIN section_session s ON s.sectionID = h.sectionID
LEFT JOIN person_id i ON i.personID = h.personID
LEFT JOIN xwalk_classroom_position x ON x.code = trim(h.staffType)
WHERE s.sectionID IS NULL
    OR (s.in_scope AND s.orphan IS NOT NULL)
    OR (
        s.in_scope
        AND s.trialID = h.trialID
        AND s.term_name IS NOT NULL
        AND (h.endDate IS NULL OR h.endDate >= s.begin_date)
        AND (h.startDate IS NULL OR h.startDate <= s.end_date)
    )
