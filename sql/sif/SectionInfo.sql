-- One row per section of an active trial, of a course in scope.
-- Reads: section_scope, SectionPlacement, Term, period_name, section_teacher, Room.
-- Rules: one ScheduleInfo per term that the section is placed in, with the times that it meets. A
-- section without a place has none, which SIF does not allow: rejected as missing_required.
WITH meetings AS (
    SELECT
        s.sectionID,
        p.termID,
        array_sort(array_agg(DISTINCT named_struct(
            'TimetableDay', n.day_name,
            'TimetablePeriod', n.period_name
        ))) AS times
    FROM section_scope s
    JOIN SectionPlacement p ON p.sectionID = s.sectionID AND p.trialID = s.trialID
    LEFT JOIN period_name n ON n.periodID = p.periodID
    WHERE s.in_scope
    GROUP BY s.sectionID, p.termID
),
teachers AS (
    SELECT
        sectionID,
        array_sort(array_agg(DISTINCT named_struct('value', ref_id('StaffPersonal', personID))))
            AS list
    FROM section_teacher
    GROUP BY sectionID
),
schedules AS (
    SELECT
        m.sectionID,
        min(CASE WHEN t.termID IS NULL THEN m.termID END) AS missing_term,
        array_agg(named_struct(
            'TermInfoRefId', ref_id('TermInfo', m.termID),
            'TeacherList', te.list,
            'SectionRoomList', CASE WHEN r.roomID IS NOT NULL THEN
                make_array(named_struct('value', ref_id('RoomInfo', r.roomID)))
            END,
            'MeetingTimeList', m.times
        ) ORDER BY t.startDate, m.termID) AS list
    FROM meetings m
    JOIN section_scope s ON s.sectionID = m.sectionID
    LEFT JOIN Term t ON t.termID = m.termID
    LEFT JOIN teachers te ON te.sectionID = m.sectionID
    LEFT JOIN Room r ON r.roomID = s.roomID
    GROUP BY m.sectionID
)
SELECT
    ref_id('SectionInfo', s.sectionID) AS RefId,
    ref_id('SchoolCourseInfo', s.courseID) AS SchoolCourseInfoRefId,
    s.school_year AS SchoolYear,
    CAST(s.sectionID AS VARCHAR) AS LocalId,
    s.title AS Description,
    sc.list AS ScheduleInfoList,
    concat(s.course_number, '-', s.section_number) AS CourseSectionCode,
    CAST(s.section_number AS VARCHAR) AS SectionCode,
    'Section' AS _source_table,
    CAST(s.sectionID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    s.courseID AS _course_id,
    s.sectionID AS _section_id,
    CASE
        WHEN s.orphan IS NOT NULL THEN s.orphan
        WHEN sc.missing_term IS NOT NULL
            THEN concat('orphan_row: SectionPlacement.termID=', sc.missing_term)
    END AS _reject
FROM section_scope s
LEFT JOIN schedules sc ON sc.sectionID = s.sectionID
WHERE s.in_scope
