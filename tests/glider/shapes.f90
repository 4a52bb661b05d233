! Variables of a Fortran program: kinds, text, arrays in place and behind descriptors.
module shapes
  implicit none
  type point
    integer :: x, y
    real(8) :: weight
    character(len=8) :: label
  end type
  interface
    subroutine pause_here() bind(c, name='pause')
    end subroutine
  end interface
contains
  subroutine deeper(n, name, values)
    integer, intent(in) :: n
    character(len=*), intent(in) :: name
    real, intent(inout) :: values(:)
    integer(8) :: big
    real(16) :: quad
    real(10) :: extended
    logical :: yes
    complex(8) :: z
    type(point) :: p
    integer :: grid(2,3)
    integer, allocatable :: heap(:)
    big = 2_8**40 + n
    quad = 1.0_16 / 3
    extended = 1.25_10 * n
    yes = n > 0
    z = (1.5d0, -2d0)
    p = point(n, -n, 0.5d0, 'label')
    grid = reshape([1,2,3,4,5,6], [2,3])
    allocate(heap(3))
    heap = [7, 8, 9]
    print '(a,i0)', 'ready ', getpid()
    flush(6)
    call pause_here()
    print *, big, quad, extended, yes, z, p%x, grid(1,1), heap(1), name, values(1)
  end subroutine
end module
program main
  use shapes
  real :: v(4)
  v = [1.0, 2.0, 3.0, 4.0]
  call deeper(5, 'fortran text', v)
end program
