-- One row per section of an active trial: its course, where it is placed, and who teaches it.
-- Reads: Section, Course, Room, SectionPlacement, SectionStaffHistory, section_scope.
WITH placed AS (
    SELECT
        sectionID,
        trialID,
        array_sort(array_agg(named_struct('termID', termID, 'periodID', periodID))) AS placements
    FROM SectionPlacement
    GROUP BY sectionID, trialID
),
taught AS (
    SELECT
        sectionID,
        trialID,
        array_sort(array_agg(named_struct(
            'personID', personID, 'staffType', trim(staffType),
            'startDate', startDate, 'endDate', endDate
        ))) AS staff
    FROM SectionStaffHistory
    GROUP BY sectionID, trialID
)
SELECT
    named_struct('calendarID', sc.calendarID) AS calendar,
    named_struct(
        'courseID', co.courseID,
        'homeroom', co.homeroom,
        'name', trim(co.name),
        'number', trim(co.number),
        'scedCode', trim(co.scedCode),
        'stateCode', trim(co.stateCode)
    ) AS course,
    s.homeroomSection AS homeroom,
    s.maxStudents,
    s.number,
    p.placements,
    trim(r.name) AS room,
    s.sectionID,
    t.staff,
    trim(s.teacherDisplay) AS teacherDisplay,
    'Section' AS _source_table,
    CAST(s.sectionID AS VARCHAR) AS _source_key,
    sc.schoolID AS _school_id,
    s.courseID AS _course_id,
    s.sectionID AS _section_id,
    sc.orphan AS _reject
FROM Section s
JOIN section_scope sc ON sc.sectionID = s.sectionID
LEFT JOIN Course co ON co.courseID = s.courseID
LEFT JOIN Room r ON r.roomID = s.roomID
LEFT JOIN placed p ON p.sectionID = s.sectionID AND p.trialID = s.trialID
LEFT JOIN taught t ON t.sectionID = s.sectionID AND t.trialID = s.trialID
WHERE sc.in_scope
