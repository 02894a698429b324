-- One row per section in scope and person who teaches it.
-- Reads: SectionStaffHistory, section_scope.
-- Rules: of the section's own trial; a missing section keeps the row, to be rejected and seen.
SELECT
    h.sectionID,
    h.trialID,
    h.personID,
    h.startDate,
    h.endDate,
    trim(h.staffType) AS staff_type,
    s.schoolID,
    s.courseID,
    CASE
        WHEN s.sectionID IS NULL
            THEN concat('orphan_row: SectionStaffHistory.sectionID=', h.sectionID)
        ELSE s.orphan
    END AS orphan
FROM SectionStaffHistory h
LEFT JOIN Section o ON o.sectionID = h.sectionID
LEFT JOIN section_scope s ON s.sectionID = h.sectionID AND s.trialID = h.trialID
WHERE o.sectionID IS NULL OR s.in_scope
